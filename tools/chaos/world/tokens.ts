// A pod's token request; a response of any kind is a value.
import { request } from 'node:http';
import type { StageNmi } from '../../stage/stage.ts';
import { parseLine } from '../../stage/service.ts';

export interface TokenAnswer {
  /** 0: no response. */
  readonly status: number;
  readonly clientId?: string;
  readonly token?: { readonly clientId: string; readonly resourceId: string };
  readonly reason: string;
}

const query = 'api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net';
const patienceMs = 15_000;

/** @param clientId The identity that the pod names; undefined: none. */
export async function askForToken(address: string, nmi: StageNmi, clientId?: string): Promise<TokenAnswer> {
  const selector = clientId === undefined ? '' : `&client_id=${clientId}`;
  const path = `/metadata/identity/oauth2/token?${query}${selector}`;
  const { promise, resolve } = Promise.withResolvers<TokenAnswer>();
  const failed = (error: Error) => resolve({ status: 0, reason: error.message });
  const target = { host: nmi.address, port: nmi.port, localAddress: address, agent: false };
  const headers = { Metadata: 'true' };
  request({ ...target, path, headers, signal: AbortSignal.timeout(patienceMs) }, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (part: string) => (text += part));
    response.once('error', failed).once('end', () => resolve(answerOf(response.statusCode ?? 0, text)));
  })
    .once('error', failed)
    .end();
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
