import { createBackoff } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import type { TokenCaller } from './shared-requests.ts';
import { TokenError, type TokenErrorCode } from './errors.ts';
import type { Obtained, TokenSource } from './source.ts';
import { isOfEntra, type WantedToken } from './types.ts';

/** The original's first pause; its later ones grow to a minute. */
const backoff = { baseMs: 2_000, capMs: 15_000 };

/**
 * Repeats requests after temporary failures of the metadata service until the caller's deadline, as the original does: programs that depend
 * on its statuses do not expect a single 429 or 404 of the service. Each request is charged to the pod.
 */
export function untilPassed(
  tokens: TokenSource,
  { clock, random }: Pick<Ambient, 'clock' | 'random'>,
): TokenSource {
  const get = async (wanted: WantedToken, caller: TokenCaller): Promise<Obtained> => {
    const { deadline = 0, signal } = caller;
    const pauses = createBackoff({ ...backoff, random });
    for (;;) {
      try {
        return await tokens.get(wanted, caller);
      } catch (error) {
        if (!mayPass(error, wanted)) throw error;
        const pauseMs = Math.max(pauses.next(), error.retryAfterMs ?? 0);
        if (clock.elapsed() + pauseMs > deadline) throw error;
        await clock.sleep(pauseMs, signal).catch(() => undefined);
        if (signal?.aborted) throw error;
      }
    }
  };
  return { ...tokens, get };
}

/** `throttled` without a status is our own refusal, not one of the metadata service. */
function mayPass(error: unknown, { subject }: WantedToken): error is TokenError {
  if (!(error instanceof TokenError) || isOfEntra(subject)) return false;
  return passing.has(error.code) || (error.code === 'throttled' && error.status !== undefined);
}

const passing: ReadonlySet<TokenErrorCode> = new Set(['updating', 'unavailable'] as const);
