import { createBackoff, type Clock } from '@pod-identity/kit/core';
import type { Asker } from './questions.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import type { Obtained, TokenSource } from './source.ts';
import type { TokenWish } from './types.ts';

/** The original's first pause; its later ones grow to a minute. */
const backoff = { baseMs: 2_000, capMs: 15_000 };

/**
 * Asks the metadata service again for as long as the caller is held when a failure may pass. That is how the original answered:
 * programs that depend on its statuses expect that one 429 or 404 of the metadata service is not told to them. Each further
 * question is charged to the pod like the first.
 */
export function untilPassed(
  tokens: TokenSource,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
): TokenSource {
  const get = async (wish: TokenWish, asker: Asker): Promise<Obtained> => {
    const { deadline = 0, signal } = asker;
    const pauses = createBackoff({ ...backoff, random });
    for (;;) {
      try {
        return await tokens.get(wish, asker);
      } catch (error) {
        if (!mayPass(error, wish)) throw error;
        const pauseMs = Math.max(pauses.next(), error.retryAfterMs ?? 0);
        if (clock.now() + pauseMs > deadline) throw error;
        await clock.sleep(pauseMs, signal).catch(() => undefined);
        if (signal?.aborted) throw error;
      }
    }
  };
  return { ...tokens, get };
}

/** A refusal of ours because there is no turn is none of the metadata service: `throttled` without its status. */
function mayPass(error: unknown, { subject }: TokenWish): error is TokenError {
  if (!(error instanceof TokenError) || subject.kind === 'service-principal') return false;
  return passing.has(error.code) || (error.code === 'throttled' && error.status !== undefined);
}

const passing: ReadonlySet<TokenErrorCode> = new Set(['updating', 'unavailable'] as const);
