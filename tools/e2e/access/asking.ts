// How pods ask for tokens: by every name that an identity has, and over connections that are kept.
import { Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { sendRaw, type RawResponse } from '../clients/ask.ts';
import type { StageNmi, StagePod } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';

/** All ways in which a request can name an identity, and to name none. */
export const selectors = (resourceId: string, clientId: string): readonly string[] => [
  '',
  `&client_id=${clientId}`,
  `&client_id=${clientId.toUpperCase()}`,
  `&msi_res_id=${encodeURIComponent(resourceId)}`,
  `&msi_res_id=${encodeURIComponent(resourceId.toUpperCase())}`,
  `&msi_res_id=${encodeURIComponent(`${resourceId}/`)}`,
  `&mi_res_id=${encodeURIComponent(resourceId)}`,
];

/** Spellings of an id, right and wrong; the name of the identity must begin with a k. */
export const spellings = (id: string): Readonly<Record<string, string>> => {
  const name = id.slice(id.lastIndexOf('/') + 1);
  const named = (other: string) => id.replace(`/${name}`, other);
  return {
    'as it is': id,
    'in upper case': id.toUpperCase(),
    'in lower case': id.toLowerCase(),
    'with a trailing slash': `${id}/`,
    'with two trailing slashes': `${id}//`,
    'with an escaped letter': named(`/%6B${name.slice(1)}`),
    'with an escaped slash': named(`%2F${name}`),
    'with a dot segment': named(`/./${name}`),
    'with the sign for kelvin': named(`/\u212A${name.slice(1)}`),
    'with a long s': id.replace('userAssigned', 'u\u017FerA\u017F\u017Figned'),
    'with a full-width letter': named(`/\uFF4B${name.slice(1)}`),
    'with a dotless i': id.replace('Identity', '\u0131dentity'),
    'with a space': `${id} `,
    'with a query': `${id}?x=1`,
  };
};

/** The object id that a token is for; undefined without a token. */
export function principalOf({ body }: RawResponse): string | undefined {
  const [, claims] = body['access_token']?.split('.') ?? [];
  if (claims === undefined) return undefined;
  return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { readonly oid?: string }).oid;
}

/** Repeats the request until the response fits. */
export async function untilAnswer(
  ask: () => Promise<RawResponse>,
  { what, fits, withinMs = 60_000 }: AwaitedAnswer,
): Promise<RawResponse> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (performance.now() > endsAt)
      throw new Error(
        `waited ${withinMs} ms for ${what}; the last answer: ${answer.status} ${JSON.stringify(answer.body)}`,
      );
    await pause(20);
  }
}

/** Of docs/reference/errors.md: unknown-caller, rights-changed and access-unanswered, which a busy machine or API server causes. */
const saysNothingYet = [
  /^No pod of this node has the address /,
  /^The bindings or identities of pod \S+ changed while its token was requested/,
  /^The API server (does not say at the moment|has not said yet) whether /,
];

/** The first response that does not only ask for the same request later. */
export const decisiveAnswer = (ask: () => Promise<RawResponse>): Promise<RawResponse> =>
  untilAnswer(ask, {
    what: 'a response that is no request to try again',
    fits: ({ status, retryAfter, body: { error, error_description: text = '' } }) =>
      status !== 503 ||
      retryAfter === undefined ||
      error !== 'temporarily_unavailable' ||
      !saysNothingYet.some((each) => each.test(text)),
  });

export interface AwaitedAnswer {
  readonly what: string;
  readonly fits: (answer: RawResponse) => boolean;
  readonly withinMs?: number;
}

/** One connection of a pod, which is kept. */
export function openConnection(pod: StagePod, nmi: StageNmi) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return { ask: (more?: string) => sendRaw({ pod, nmi, agent }, more), close: () => agent.destroy() };
}

export interface Asker {
  readonly tokens: number;
  /** What was answered instead of a token. */
  readonly lost: readonly string[];
  /** Resolves after so many further tokens. */
  readonly gets: (tokens: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const betweenMs = 25;
const mostRequests = 20_000;

/**
 * A pod that asks all the time over a connection that it keeps. As SDKs do, it repeats a request whose connection was refused or broke;
 * any answer but a token counts as lost.
 */
export function keepAsking(pod: StagePod, nmi: () => StageNmi, more?: string): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const lost: string[] = [];
  const waiting = new Set<() => void>();
  let tokens = 0;
  let isOver = false;
  const run = async () => {
    for (let n = 0; n < mostRequests && !isOver; n += 1) {
      const outcome = await askAgain(() => sendRaw({ pod, nmi: nmi(), agent }, more));
      if (outcome === 'token') tokens += 1;
      else lost.push(outcome);
      for (const look of waiting) look();
      await pause(betweenMs);
    }
  };
  const running = run();
  return {
    get tokens() {
      return tokens;
    },
    lost,
    gets: (more) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const enough = tokens + more;
      const look = () => (tokens >= enough ? resolve(undefined) : undefined);
      waiting.add(look);
      const what = () => `${more} tokens of ${pod.object.metadata.name}; lost: ${lost.slice(-3).join()}`;
      return within(180_000, what, promise).finally(() => waiting.delete(look));
    },
    stop: async () => {
      isOver = true;
      await running;
      agent.destroy();
    },
  };
}

const connectedWithinMs = 120_000;

async function askAgain(ask: () => Promise<RawResponse>): Promise<string> {
  const endsAt = performance.now() + connectedWithinMs;
  for (;;) {
    try {
      const { status, body } = await ask();
      return status === 200 && body['access_token'] !== undefined
        ? 'token'
        : `${status} ${JSON.stringify(body)}`;
    } catch (error) {
      const { code = '' } = error as { readonly code?: string };
      const isBroken = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code);
      if (!isBroken || performance.now() > endsAt) return String(error);
      await pause(betweenMs);
    }
  }
}
