import { accessTargetKey, type AccessTarget } from '@pod-identity/crd-types';
import { RecentMap, type Clock, type Tenant } from '@pod-identity/kit/core';
import { resultOf, type AccessResult } from './judge.ts';
import type { Machine } from './machine.ts';
import type { Access, AccessPair } from './types.ts';
import type { Verdicts } from './verdicts.ts';

export interface AccessGuard {
  /** Whether a token may be given now; undefined: call `review`. */
  now(access: Access, tenant: Tenant): AccessResult | undefined;
  /** Never rejects. */
  review(access: Access, tenant: Tenant): Promise<AccessResult>;
}

/** A ServiceAccount that would be refused in mode `rbac`. */
export interface WouldRefuse {
  readonly access: Access;
  readonly targets: readonly AccessTarget[];
  /** Whether it was not reported within the last ten minutes. */
  readonly isNew: boolean;
}

export interface AccessGuardOptions {
  readonly verdicts: Verdicts;
  readonly machine: Machine;
  /** The check that the API server refuses an invented user; undefined: there is no answer yet. */
  readonly stranger: { isRefused(): boolean | undefined; readonly looked: Promise<unknown> };
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Called in mode `warn` when a token is given although a right is missing. */
  readonly onWouldRefuse: (who: WouldRefuse) => void;
}

const allowed: AccessResult = { verdict: 'allowed' };
/** A repeated warning is new again after this time. */
const quietMs = 10 * 60_000;
const subjectsKept = 1_000;

/** Decides whether a pod may have a token, by all rights that it needs. In mode `warn` it always may, and missing rights are reported. */
export function createAccessGuard(options: AccessGuardOptions): AccessGuard {
  const { verdicts, machine, stranger } = options;
  const warn = createWarning(options);
  const isTrusted = () => stranger.isRefused() === true;

  const peek = (pairs: readonly AccessPair[], tenant: Tenant): AccessResult | undefined => {
    let result: AccessResult | undefined = allowed;
    for (const pair of pairs) {
      const verdict = verdicts.known(pair, tenant);
      if (verdict === undefined) result = undefined;
      // With several pairs, `review` collects all missing rights.
      else if (verdict !== 'allowed') return pairs.length === 1 ? resultOf(pairs, [verdict]) : undefined;
    }
    return result;
  };
  const look = (access: Access, tenant: Tenant): AccessResult | undefined => {
    const pairs = access.pairs === 'machine' ? machine.known(access.subject) : access.pairs;
    if (access.subject.name === '')
      return pairs && { verdict: 'denied', targets: pairs.map(({ target }) => target) };
    return pairs && peek(pairs, tenant);
  };
  const reviewNow = async (access: Access, tenant: Tenant): Promise<AccessResult> => {
    const pairs = access.pairs === 'machine' ? await machine.read(access.subject) : access.pairs;
    if (!pairs) return { verdict: 'unanswered' };
    if (access.subject.name === '') return { verdict: 'denied', targets: pairs.map(({ target }) => target) };
    return resultOf(pairs, await Promise.all(pairs.map((pair) => verdicts.verdict(pair, tenant))));
  };
  const warned = (access: Access, tenant: Tenant): AccessResult => {
    const known = look(access, tenant);
    if (known) warn(access, known);
    else void reviewNow(access, tenant).then((result) => warn(access, result));
    return allowed;
  };

  return {
    now(access, tenant) {
      if (access.mode === 'warn') return warned(access, tenant);
      return isTrusted() ? look(access, tenant) : undefined;
    },
    async review(access, tenant) {
      if (access.mode === 'warn') return warned(access, tenant);
      if (!isTrusted()) await stranger.looked;
      if (!isTrusted())
        return { verdict: 'unanswered', ...(stranger.isRefused() === false && { why: 'allows-all' }) };
      return look(access, tenant) ?? reviewNow(access, tenant);
    },
  };
}

function createWarning({ clock, onWouldRefuse }: AccessGuardOptions) {
  const reportedAt = new RecentMap<string, number>(subjectsKept);
  return (access: Access, result: AccessResult): void => {
    if (result.verdict !== 'denied') return;
    const { targets } = result;
    const { namespace, name } = access.subject;
    const key = `${namespace}/${name} ${targets.map(accessTargetKey).join(' ')}`;
    const now = clock.elapsed();
    const isNew = now - (reportedAt.get(key) ?? -Infinity) >= quietMs;
    if (isNew) reportedAt.set(key, now);
    onWouldRefuse({ access, targets, isNew });
  };
}
