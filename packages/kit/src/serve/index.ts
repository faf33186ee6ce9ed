// Room: the process: the real clock, log lines, metrics text, ports, requests of its own, signals and exit codes.
// It must not know Kubernetes, Azure or what the program is for.
export { buildInfo, userAgentOf, versionLine } from './build-info.ts';
export type { Ambient } from './ambient.ts';
export { systemClock } from './system-clock.ts';
export { createLog, logLine, type Log, type LogFields, type LogFormat } from './log.ts';
export type { Output } from './output.ts';
export { printWhole, standardOutput } from './standard-output.ts';
export { createPrinter, type Printer } from './printer.ts';
export { redactText } from './redact.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { startAdminServer, type AdminRoute, type AdminServer } from './admin-server.ts';
export { createMetricsRoute } from './metrics-route.ts';
export {
  createGuardedServer,
  headersLimit,
  requestLimits,
  type Arrival,
  type GuardOptions,
  type OwnTls,
} from './guard.ts';
export {
  createHttpClient,
  openRequest,
  ProxyAddressError,
  sendRequest,
  type HttpClient,
  type HttpRequest,
  type HttpResponse,
  type OpenedRequest,
} from './http-client.ts';
export { keepAdminServer } from './keep-admin-server.ts';
export { keepProbeFile, openProbeFile, type ProbeFile } from './probe-file.ts';
export { runProcess } from './lifecycle.ts';
