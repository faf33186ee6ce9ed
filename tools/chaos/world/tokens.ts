// A pod's token request; a response of any kind is a value.
import { request, type Agent } from 'node:http';
import type { StageNmi } from '../../stage/stage.ts';
import { parseLine } from '../../stage/service.ts';

export interface TokenAnswer {
  /** 0: no response. */
  readonly status: number;
  readonly clientId?: string;
  readonly token?: { readonly clientId: string; readonly resourceId: string };
  readonly reason: string;
  /** Sent over a connection of an earlier request. */
  readonly reused?: boolean;
}

/** What the pod names; undefined: no identity. */
export interface Asking {
  readonly clientId?: string | undefined;
  readonly resourceId?: string | undefined;
  /** A resource that nobody has asked for is in no memory. */
  readonly resource?: string;
  /** The connections that the pod keeps open. Default: a new one. */
  readonly kept?: Agent;
}

const vault = 'https://vault.azure.net';
const patienceMs = 15_000;

export async function askForToken(
  address: string,
  nmi: StageNmi,
  { clientId, resourceId, resource = vault, kept }: Asking = {},
): Promise<TokenAnswer> {
  const query = new URLSearchParams({
    'api-version': '2018-02-01',
    resource,
    ...(clientId !== undefined && { client_id: clientId }),
    ...(resourceId !== undefined && { msi_res_id: resourceId }),
  });
  const path = `/metadata/identity/oauth2/token?${query.toString()}`;
  const { promise, resolve } = Promise.withResolvers<TokenAnswer>();
  const failed = (error: Error) => resolve({ status: 0, reason: error.message });
  const target = { host: nmi.address, port: nmi.port, localAddress: address, agent: kept ?? false };
  const headers = { Metadata: 'true' };
  const call = request({ ...target, path, headers, signal: AbortSignal.timeout(patienceMs) }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    const answered = () =>
      resolve({ ...answerOf(response.statusCode ?? 0, text), reused: call.reusedSocket });
    response.once('error', failed).once('end', answered);
  });
  call.once('error', failed).end();
  return promise;
}

function answerOf(status: number, text: string): TokenAnswer {
  const body = parseLine(text);
  const textAt = (field: string) => (typeof body[field] === 'string' ? body[field] : '');
  const token = textAt('access_token');
  if (token === '') return { status, reason: textAt('error_description') };
  return { status, reason: '', clientId: textAt('client_id'), token: claimsOf(token) };
}

function claimsOf(token: string): { readonly clientId: string; readonly resourceId: string } {
  const [, payload = ''] = token.split('.');
  const claims = parseLine(Buffer.from(payload, 'base64url').toString());
  const textAt = (field: string) => (typeof claims[field] === 'string' ? claims[field] : '');
  return { clientId: textAt('appid'), resourceId: textAt('xms_mirid').toLowerCase() };
}
