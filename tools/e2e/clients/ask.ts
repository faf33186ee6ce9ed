// A raw request of a pod: any query, with the whole response.
import { request, type Agent } from 'node:http';
import { within } from '../../stage/within.ts';
import type { StageNmi, StagePod } from '../../stage/stage.ts';

export interface RawResponse {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Over a connection that an earlier request opened. */
  readonly isReused: boolean;
  readonly body: Readonly<Record<string, string>>;
}

const query = 'api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';

/** As SDKs probe the endpoint: without parameters and without the header Metadata. */
export const probe = 'probe';

/** Longer than the longest --hold. */
const patienceMs = 90_000;

export interface Way {
  readonly pod: StagePod;
  readonly nmi: StageNmi;
  /** Default: a connection for each request. */
  readonly agent?: Agent;
  /** Besides Metadata. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param more Further parameters, with the ampersand; or `probe`. */
export function sendRaw({ pod, nmi, agent, headers }: Way, more = ''): Promise<RawResponse> {
  const path = '/metadata/identity/oauth2/token';
  const { promise, resolve, reject } = Promise.withResolvers<RawResponse>();
  const target = { host: nmi.address, port: nmi.port, localAddress: pod.address, agent: agent ?? false };
  const what =
    more === probe
      ? { path }
      : { path: `${path}?${query}${more}`, headers: { ...headers, Metadata: 'true' } };
  const sent = request({ ...target, ...what }, (response) => {
    let text = '';
    response.once('error', reject);
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    response.once('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        retryAfter: response.headers['retry-after'],
        isReused: sent.reusedSocket,
        body: JSON.parse(text) as RawResponse['body'],
      }),
    );
  });
  sent.once('error', reject).end();
  return within(patienceMs, `an answer of NMI to ${pod.object.metadata.name}`, promise);
}
