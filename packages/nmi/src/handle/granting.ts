import type { Clock } from '@pod-identity/kit/core';
import type { AccessGuard } from '../access/guard.ts';
import type { Authorizer } from '../authorize/authorizer.ts';
import type { TokenSource } from '../tokens/source.ts';
import type { Changes } from '../waiting/await-change.ts';
import type { CallerLimits } from '../waiting/caller-limits.ts';
import type { LatestPod } from './follow-pod.ts';

/** What it takes to give a pod a token: who decides, who reviews, who has tokens, and how long a request waits. */
export interface Granting {
  readonly authorizer: Authorizer;
  readonly access: AccessGuard;
  readonly tokens: TokenSource;
  readonly limits: CallerLimits;
  readonly changes: Changes;
  /** How long after its start a pod waits for missing objects and rights. */
  readonly bindingGraceMs: number;
  readonly clock: Clock;
  readonly latest: LatestPod;
  /** Called once for each request that has waited for an object, a right or its identity. */
  readonly onWaited: (ms: number) => void;
}
