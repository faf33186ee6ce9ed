import type { IncomingMessage } from 'node:http';
import { readUpTo } from '@pod-identity/kit/core';
import { openRequest } from '@pod-identity/kit/serve';
import type { NmiConfig } from '../config/config.ts';
import { canaryTarget } from '../request/canary.ts';
import type { Sighting } from './verdict.ts';

/** One question to the metadata address; never rejects. */
export type SendProbe = (challenge: string) => Promise<Sighting>;

/** For the whole response. */
const timeoutMs = 2_000;
const longestBody = 4 * 1024;

/** Asks as an app does, over a connection of its own: rules of address translation apply to new connections only. */
export function createProbe({ host, port }: NmiConfig['metadata']): SendProbe {
  return async (challenge) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const path = canaryTarget(challenge);
    try {
      const { response } = openRequest({ host, port, path, headers: { Metadata: 'true' }, signal });
      return await sightingOf(await response);
    } catch (error) {
      return { kind: 'failed', code: codeOf(error) };
    }
  };
}

async function sightingOf(response: IncomingMessage): Promise<Sighting> {
  const localAddress = response.socket.localAddress ?? '';
  const { statusCode: status = 0, headers } = response;
  const body = await readUpTo(response, longestBody);
  return {
    kind: 'answer',
    status,
    server: String(headers['server'] ?? ''),
    body: body?.toString(),
    localAddress,
  };
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return 'ETIMEDOUT';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}
