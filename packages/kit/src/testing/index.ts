// For tests only: a clock that stands still, a real API server or a real cluster for a while.
// It must not be imported by anything that ships.
export { createFakeClock, type FakeClock } from './fake-clock.ts';
export {
  startApiServer,
  whyNoApiServer,
  type ApiServerFlavour,
  type ApiServerOptions,
  type RunningApiServer,
} from './api-server.ts';
export {
  startCluster,
  whyNoCluster,
  type ClusterNode,
  type ClusterOptions,
  type ImageSpec,
  type RunningCluster,
} from './cluster.ts';
export { whyNoPrograms, type TestNeeds, type TestProgram } from './test-programs.ts';
