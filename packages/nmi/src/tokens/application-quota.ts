import {
  createBuckets,
  RecentMap,
  type BucketOf,
  type Budget,
  type Clock,
  type Tenant,
  type TokenBucket,
} from '@pod-identity/kit/core';
import { TokenError } from './errors.ts';
import type { Entry } from './memory.ts';
import { isOfEntra, type EntraSubject, type TokenSubject } from './types.ts';

/** Requests to Entra that a namespace may cause for one application: at once, and a second on average. */
const ofNamespace: Budget = { burst: 32, perSecond: 1 };
/** For tokens that are each of one pod: two for each pod of a full node. The broker, whose tokens are for all pods, counts requests to Entra. */
const ofPods: Budget = { burst: 512, perSecond: 8 };
/** For one pod: half of what its namespace may cause, so that others have the rest. */
const ofPod: Budget = { burst: 16, perSecond: 0.5 };
/** A caller that wants no token from memory still gets one of an application that is younger than this. */
const newMs = 5_000;

/**
 * Entra throttles an application, whoever uses it: without a quota, a namespace could take it from all others. It is counted by client id, since
 * an editor can write any number of AzureIdentities for one application. Requests to the metadata service need none: all of a node together
 * stay below its limit.
 */
export function createApplicationQuota(clock: Pick<Clock, 'elapsed'>) {
  const pods = createQuotas(ofPod);
  const namespaces = createQuotas(ofNamespace);
  const namespacesByPod = createQuotas(ofPods);
  return {
    /** Charges the requests to the pod and its namespace. The error if these are too many, with the reason why the last one failed. */
    refusal(
      subject: TokenSubject,
      { namespace, pod }: Tenant,
      { requests, lastReason }: { readonly requests: number; readonly lastReason: () => string | undefined },
    ): TokenError | undefined {
      if (!isOfEntra(subject)) return undefined;
      const now = clock.elapsed();
      const own = pods(`${namespace}/${pod}`, subject.clientId, now);
      const isOfPod = subject.kind === 'federated' && subject.pod !== undefined;
      const shared = (isOfPod ? namespacesByPod : namespaces)(namespace, subject.clientId, now);
      if (own.available(now) < requests) return tooMany('This pod requests', subject, lastReason());
      // Nothing is taken from the pod if its namespace has too little.
      if (shared.available(now) < requests)
        return tooMany('Pods of this namespace request', subject, lastReason());
      for (const bucket of [own, shared]) bucket.take(now, requests);
      return undefined;
    },
  };
}

/** More than a node has pods. */
const ownersKept = 512;
/** An owner's applications beyond these share one bucket: it gets no new one by making NMI forget an old one. */
const mostApplications = 32;

function createQuotas(quota: Budget) {
  const owners = new RecentMap<string, BucketOf>(ownersKept);
  return (owner: string, application: string, now: number): TokenBucket => {
    const bucketOf =
      owners.get(owner) ?? createBuckets({ ...quota, kept: mostApplications, beyond: 'share' });
    owners.set(owner, bucketOf);
    return bucketOf(application, now);
  };
}

/** Whether it is a token of an application of the last seconds, which callers get even if they want none from memory. */
export function isNew({ storedAt }: Entry, subject: TokenSubject, now: number): boolean {
  const ageMs = now - storedAt;
  // Negative if the clock was set back.
  return isOfEntra(subject) && ageMs >= 0 && ageMs < newMs;
}

function tooMany(who: string, { name }: EntraSubject, lastReason = ''): TokenError {
  const remedy =
    lastReason === ''
      ? 'Keep a token until it expires.'
      : `The last request for this one failed: ${lastReason}`;
  const text = `${who} new tokens of the application of AzureIdentity ${name} too often. ${remedy}`;
  return new TokenError('throttled', text);
}
