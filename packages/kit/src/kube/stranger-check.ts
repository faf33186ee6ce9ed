import { aborted } from '../core/aborted.ts';
import type { Clock } from '../core/clock.ts';
import { refusesStranger, type AccessReviewRequest, type AccessReviewer } from './access-review.ts';

/** What one review of the invented user found. `error`: it failed. */
export type StrangerResult = { readonly isRefused: boolean } | { readonly error: unknown };

export interface StrangerCheckOptions {
  readonly reviewer: AccessReviewer;
  /** The right that the invented user must not have. */
  readonly right: Pick<AccessReviewRequest, 'verb' | 'group' | 'resource'>;
  /** Called after each review. Returns the time until the next one; undefined: the check is over. */
  readonly onResult: (result: StrangerResult) => number | undefined;
  readonly clock: Clock;
}

/**
 * Checks that reviews of the API server mean something: one that allows everything (AlwaysAllow) also allows an invented user, and
 * would give every pod every identity.
 */
export interface StrangerCheck {
  /** Whether the last review refused the invented user; undefined: none has succeeded yet. The first call starts the check. */
  isRefused(): boolean | undefined;
  /** Resolves after the first review, or when the check ends. */
  readonly looked: Promise<unknown>;
  /** After the first call of `isRefused`, reviews until the signal aborts or `onResult` ends it. */
  run(signal: AbortSignal): Promise<void>;
}

export function createStrangerCheck(options: StrangerCheckOptions): StrangerCheck {
  const { reviewer, right, onResult, clock } = options;
  const begun = Promise.withResolvers<undefined>();
  const looked = Promise.withResolvers<undefined>();
  let isRefused: boolean | undefined;

  const review = async (signal: AbortSignal): Promise<StrangerResult> => {
    try {
      isRefused = await refusesStranger(reviewer, right, signal);
      return { isRefused };
    } catch (error) {
      return { error };
    }
  };
  return {
    isRefused() {
      begun.resolve(undefined);
      return isRefused;
    },
    looked: looked.promise,
    async run(signal) {
      await Promise.race([begun.promise, aborted(signal)]);
      while (!signal.aborted) {
        const pauseMs = onResult(await review(signal));
        looked.resolve(undefined);
        if (pauseMs === undefined) break;
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
      looked.resolve(undefined);
    },
  };
}
