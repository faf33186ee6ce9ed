// For tests only: a clock that stands still and a real API server for a while.
// It must not be imported by anything that ships.
export { createFakeClock, type FakeClock } from './fake-clock.ts';
export {
  startApiServer,
  whyNoApiServer,
  type ApiServerFlavour,
  type ApiServerOptions,
  type RunningApiServer,
} from './api-server.ts';
