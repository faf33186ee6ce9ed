// Room: what both services need as values and pure functions: time, delays, limits, queues, flags, declarations of metrics.
// It must not touch the process, the clock, the network or chance: they come in as arguments.
export type { Clock, Timer } from './clock.ts';
export { aborted } from './aborted.ts';
export { createBuckets, createBudgets, createTenantBudgets, type BucketOf, type Budget } from './budgets.ts';
export { readUpTo } from './bounded-body.ts';
export { ConfigurationError } from './configuration-error.ts';
export { createBackoff, type Backoff } from './backoff.ts';
export { clusterKinds } from './cluster-kinds.ts';
export { DeadlinePassed, withDeadline } from './deadline.ts';
export { heapBytes } from './heap-bytes.ts';
export { createFairQueue, type FairQueueLimits, type Tenant } from './fair-queue.ts';
export { createLimit } from './limit.ts';
export { limitEffects, type LimitEffect } from './limit-effect.ts';
export { orLate } from './or-late.ts';
export { isNodeItself } from './peer-address.ts';
export { RecentMap } from './recent.ts';
export { lowerAscii } from './lower-ascii.ts';
export { createShareMap, largest, type Keyed, type Shared, type ShareLimits, type Shares } from './shares.ts';
export { createSums } from './sums.ts';
export { Turns } from './turns.ts';
export { createTokenBucket, type TokenBucket } from './token-bucket.ts';
export * as value from './flag-type.ts';
export type { ObjectName } from './flag-type.ts';
export {
  changedFlag,
  droppedFlag,
  flagsOf,
  keptFlag,
  newFlag,
  type Flag,
  type FlagTable,
  type FlagValues,
  type ServiceFlags,
} from './flag-table.ts';
export { readFlags, type FlagProblem, type FlagReading, type IgnoredFlag } from './flags.ts';
export { klogFlags } from './klog-flags.ts';
export {
  apiServerFlags,
  forceNamespacedFlag,
  helpFlags,
  identityAccessFlag,
  logFlags,
  logOf,
  metricsFlags,
  port,
  probeFileFlag,
  probeFlags,
  type LogSettings,
} from './shared-flags.ts';
export { flagHelp, flagMeaning } from './flag-docs.ts';
export { asciiJson, printable } from './printable.ts';
export type { MetricSpec } from './metrics.ts';
export { nearest } from './nearest.ts';
