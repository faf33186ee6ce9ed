import type { Clock } from '@pod-identity/kit/core';
import type { Asker } from './questions.ts';
import { TokenError } from './errors.ts';
import { keyOf } from './memory.ts';
import type { TokenWish } from './types.ts';
import type { Asked, UnknownIdentities } from './unknown-identities.ts';

type Get<T> = (wish: TokenWish, asker: Asker) => Promise<T>;

interface Attempts<T> {
  readonly once: Get<T>;
  readonly unknown: UnknownIdentities;
  /** Whether there is a valid token in memory that may be given. */
  readonly hasOld: (wish: TokenWish, asked: Asked) => boolean;
}

interface UntilKnownOptions {
  readonly clock: Clock;
  readonly holdMs: number;
  readonly unknownIsFinal?: boolean;
}

/** Repeats the request while an expected identity is not known; each one is charged. */
export function untilKnown<T>(
  { once, unknown, hasOld }: Attempts<T>,
  { clock, holdMs, unknownIsFinal = false }: UntilKnownOptions,
): Get<T> {
  /** The milliseconds until the next request; throws if there is none. */
  const pauseAfter = (error: unknown, wish: TokenWish, asked: Asked): number => {
    if (!(error instanceof TokenError) || error.code !== 'not-on-host') throw error;
    const now = clock.elapsed();
    const unknownMs = unknown.note(asked, error, now);
    if (!asked.isExpected || hasOld(wish, asked)) throw error;
    if (unknownIsFinal && unknownMs > modelDelayMs)
      throw new TokenError('misconfigured', neverArrived, { status: 400, cause: error });
    return unknown.recall(asked, now)?.waitMs ?? 0;
  };

  return async (wish, asker) => {
    const until = Math.min(asker.deadline ?? Infinity, clock.elapsed() + holdMs);
    const asked = askedBy(asker, wish);
    for (;;) {
      try {
        const obtained = await once(wish, asker);
        unknown.forget(asked);
        return obtained;
      } catch (error) {
        const pauseMs = pauseAfter(error, wish, asked);
        if (clock.elapsed() + pauseMs > until) throw error;
        await clock.sleep(pauseMs, asker.signal).catch(() => undefined);
        if (asker.signal?.aborted) throw error;
      }
    }
  };
}

/** A scale set's model can be this far ahead of its instances; after that it is an error. */
const modelDelayMs = 120_000;
const neverArrived =
  'The metadata service of the machine has not known the identity for more than two minutes. Check that the managed identity still exists ' +
  'in Azure and is attached to this node, and that the scale set instance runs the latest model.';

const isExpected = ({ subject, isExpected: isSo }: TokenWish) => isSo && subject.kind === 'identity';

export function askedBy({ tenant: { namespace } }: Asker, wish: TokenWish): Asked {
  return { namespace, identity: keyOf(wish.subject), isExpected: isExpected(wish) };
}
