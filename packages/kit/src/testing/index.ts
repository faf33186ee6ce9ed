// Room: for tests of several packages: a clock that stands still, real API servers, programs that may be missing.
// It must not be imported by a product.
export { createFakeClock, type FakeClock } from './fake-clock.ts';
export {
  startApiServer,
  whyNoApiServer,
  type ApiServerFlavour,
  type ApiServerOptions,
  type RunningApiServer,
} from './api-server.ts';
export { startBrowser, type Browser, type Tab } from './browser.ts';
export {
  startCluster,
  whyNoCluster,
  type ClusterNode,
  type ClusterOptions,
  type RunningCluster,
} from './cluster.ts';
export { arePackagesRequired, isKitRequired } from './kubernetes-kit.ts';
export { findNode20, whyNoNode20 } from './node-20.ts';
export { whyOneAddress } from './one-address.ts';
export { readPicture, withNote } from './picture.ts';
export { whyNoPrograms, type TestNeeds, type TestProgram } from './test-programs.ts';
