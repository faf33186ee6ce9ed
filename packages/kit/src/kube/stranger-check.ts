import { aborted } from '../core/aborted.ts';
import type { Clock } from '../core/clock.ts';
import type { AccessReviewRequest, AccessReviewer, ReviewSubject } from './access-review.ts';

/** What one review of the invented user found. `error`: it failed. */
export type StrangerResult = { readonly isRefused: boolean } | { readonly error: unknown };

/** A right that the invented user must not have. */
type StrangerRight = Pick<AccessReviewRequest, 'verb' | 'group' | 'resource'>;

/** In no group, not even `system:authenticated`. */
const stranger: ReviewSubject = { user: 'aad-pod-identity:invented-user', groups: [] };

/** One review. If the API server allows a user that has no rights (AlwaysAllow), its reviews are meaningless. */
export async function reviewStranger(
  reviewer: AccessReviewer,
  right: StrangerRight,
  signal?: AbortSignal,
): Promise<StrangerResult> {
  try {
    const isAllowed = await reviewer.review({ ...right, subject: stranger, name: stranger.user }, signal);
    return { isRefused: !isAllowed };
  } catch (error) {
    return { error };
  }
}

export interface StrangerCheckOptions {
  readonly reviewer: AccessReviewer;
  readonly right: StrangerRight;
  /** Called after each review. Returns the time until the next one; undefined: the check is over. */
  readonly onResult: (result: StrangerResult) => number | undefined;
  readonly clock: Clock;
}

export type StrangerCheck = ReturnType<typeof createStrangerCheck>;

/**
 * Checks that reviews of the API server mean something: one that allows everything (AlwaysAllow) also allows an invented user, and
 * would give every pod every identity.
 */
export function createStrangerCheck(options: StrangerCheckOptions) {
  const { reviewer, right, onResult, clock } = options;
  const begun = Promise.withResolvers<undefined>();
  const looked = Promise.withResolvers<undefined>();
  let isRefused: boolean | undefined;

  return {
    /** Whether the last review refused the invented user; undefined: none has succeeded yet. The first call starts the check. */
    isRefused(): boolean | undefined {
      begun.resolve(undefined);
      return isRefused;
    },
    /** Resolves after the first review, or when the check ends. */
    looked: looked.promise as Promise<unknown>,
    /** After the first call of `isRefused`, reviews until the signal aborts or `onResult` ends it. */
    async run(signal: AbortSignal): Promise<void> {
      await Promise.race([begun.promise, aborted(signal)]);
      while (!signal.aborted) {
        const result = await reviewStranger(reviewer, right, signal);
        if ('isRefused' in result) isRefused = result.isRefused;
        const pauseMs = onResult(result);
        looked.resolve(undefined);
        if (pauseMs === undefined) break;
        await clock.sleep(pauseMs, signal).catch(() => undefined);
      }
      looked.resolve(undefined);
    },
  };
}
