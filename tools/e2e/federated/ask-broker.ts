// Requests to a broker as somebody sends them who is not NMI: whoever reaches its port.
import { request, type RequestOptions } from 'node:https';
import { request as requestPlain } from 'node:http';
import { json } from 'node:stream/consumers';
import * as names from '../../stage/names.ts';
import type { KubeObject } from '../../stage/objects.ts';
import { within } from '../../stage/within.ts';
import type { StageBroker } from './stage.ts';

export interface BrokerAsk {
  readonly token?: string;
  readonly pod: Pick<KubeObject, 'metadata'>;
  /** Instead of the pod's own. */
  readonly uid?: string;
  readonly clientId?: string;
  readonly tenant?: string;
}

export interface BrokerReply {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

const patienceMs = 60_000;

/** The certificate is not checked: whoever attacks the broker does not care. */
export async function askBroker({ port }: StageBroker, ask: BrokerAsk): Promise<BrokerReply> {
  const { token, pod, uid = pod.metadata.uid, clientId, tenant = names.tenant } = ask;
  const { namespace = 'default', name } = pod.metadata;
  const body = JSON.stringify({
    pod: { namespace, name, uid },
    tenant,
    clientId: clientId ?? names.firstIdentity.clientId,
    resource: 'https://vault.azure.net',
  });
  const options: RequestOptions = {
    host: '127.0.0.1',
    port,
    path: '/v1/token',
    method: 'POST',
    agent: false,
    rejectUnauthorized: false,
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  };
  const { promise, resolve, reject } = Promise.withResolvers<BrokerReply>();
  request(options, (response) => {
    json(response).then(
      (read) => resolve({ status: response.statusCode ?? 0, body: read as BrokerReply['body'] }),
      reject,
    );
  })
    .once('error', reject)
    .end(body);
  return within(patienceMs, 'a response of the broker', promise);
}

/** Resolves to what the connection ended with, or to the status. */
export function askWithoutTls({ port }: StageBroker, token: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const headers = { authorization: `Bearer ${token}` };
  requestPlain(
    { host: '127.0.0.1', port, path: '/v1/token', method: 'POST', agent: false, headers },
    (response) => resolve(String(response.resume().statusCode)),
  )
    .once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    .end('{}');
  return within(patienceMs, 'the end of a connection without TLS', promise);
}
