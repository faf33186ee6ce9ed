import { withDeadline } from '@pod-identity/kit/core';
import { sendRequest, systemClock, type HttpResponse, type Printer } from '@pod-identity/kit/serve';
import type { NmiConfig } from '../config/config.ts';
import { listenerName } from '../request/wire.ts';

export interface CheckReadyOptions extends Pick<NmiConfig, 'interception' | 'metadata'> {
  readonly probe: { readonly host: string; readonly port: number };
  readonly printer: Printer;
}

export interface ReadyResult {
  readonly code: 0 | 1;
  readonly lines: readonly string[];
}

const timeoutMs = 4_000;
/** Of /readyz: each problem is a line. */
const longestBody = 64 * 1024;
/** For the metadata service, which responds at once if it can be reached; probes of kubelets time out after a second. */
const metadataTimeoutMs = 800;

/**
 * For exec probes: requests /readyz of the agent on this machine; returns the exit code. With --interception=none it also prints who responds
 * at the address of the metadata service, for users who run it in a pod.
 */
export async function checkReady(options: CheckReadyOptions): Promise<0 | 1> {
  const { printer, interception } = options;
  const [ready, way] = await Promise.all([
    requestReady(options),
    interception === 'none' ? lookForMachine(options) : undefined,
  ]);
  for (const line of ready.lines) printer.line(line);
  if (way !== undefined) printer.line(way);
  return ready.code;
}

/** Whether the agent of this pod is ready, or the broker. */
export async function requestReady({ probe }: Pick<CheckReadyOptions, 'probe'>): Promise<ReadyResult> {
  try {
    const host = probe.host === '' ? '127.0.0.1' : probe.host;
    const { status, body = '' } = await send({ host, port: probe.port, path: '/readyz' }, timeoutMs);
    return { code: status === 200 ? 0 : 1, lines: body.trim().split('\n') };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const line = `nothing answers at port ${probe.port} (--http-probe-port, --http-probe-address): ${why}`;
    return { code: 1, lines: [line] };
  }
}

/** Calls a path that is not served, so that the response is never a token. */
async function lookForMachine({ metadata: { host, port } }: CheckReadyOptions): Promise<string> {
  const where = `${host}:${port} (--metadata-ip, --metadata-port)`;
  try {
    const { headers } = await send({ host, port, path: '/' }, metadataTimeoutMs);
    return headers['server'] === listenerName
      ? `calls from here to ${where} are answered by NMI`
      : `calls from here to ${where} reach the metadata service of the machine. On the node itself that is as it should be. In a pod, programs that ` +
          'ignore AZURE_POD_IDENTITY_AUTHORITY_HOST get tokens of any identity of the machine: keep pods from the address (a network policy, a ' +
          'firewall), or choose another --interception. docs/administrator/operations.md lists such programs';
  } catch {
    return `nothing answers calls from here to ${where}: programs in this place cannot ask the machine itself`;
  }
}

function send(where: { host: string; port: number; path: string }, ms: number): Promise<HttpResponse> {
  return withDeadline({ clock: systemClock, ms, awaited: `response of ${where.host}` }, (signal) =>
    sendRequest({ ...where, signal, longestBody }),
  );
}
