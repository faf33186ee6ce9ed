import { accessTargetKey, type AccessTarget } from '@pod-identity/crd-types';
import { RecentMap, type Clock, type Tenant } from '@pod-identity/kit/core';
import { verdictOfAll } from '@pod-identity/policy';
import type { Machine } from './machine.ts';
import type { Access, AccessPair, Verdict } from './types.ts';
import type { Verdicts } from './verdicts.ts';

/** `targets`: the missing rights. */
export type AccessAnswer =
  | { readonly verdict: Exclude<Verdict, 'denied'> }
  | { readonly verdict: 'denied'; readonly targets: readonly AccessTarget[] };

export interface AccessGuard {
  /** Whether a token may be given now; undefined: call `ask`. */
  now(access: Access, tenant: Tenant): AccessAnswer | undefined;
  /** Never rejects. */
  ask(access: Access, tenant: Tenant): Promise<AccessAnswer>;
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

const allowed: AccessAnswer = { verdict: 'allowed' };
/** A repeated warning is new again after this time. */
const quietMs = 10 * 60_000;
const subjectsKept = 1_000;

/** Decides whether a pod may have a token, by all rights that it needs. In mode `warn` it always may, and missing rights are reported. */
export function createAccessGuard(options: AccessGuardOptions): AccessGuard {
  const { verdicts, machine, stranger } = options;
  const warn = createWarning(options);
  const isTrusted = () => stranger.isRefused() === true;

  const peek = (pairs: readonly AccessPair[], tenant: Tenant): AccessAnswer | undefined => {
    let answer: AccessAnswer | undefined = allowed;
    for (const pair of pairs) {
      const verdict = verdicts.known(pair, tenant);
      if (verdict === undefined) answer = undefined;
      // With several pairs, `ask` collects all missing rights.
      else if (verdict !== 'allowed') return pairs.length === 1 ? answerOf(pairs, [verdict]) : undefined;
    }
    return answer;
  };
  const look = (access: Access, tenant: Tenant): AccessAnswer | undefined => {
    const pairs = access.pairs === 'machine' ? machine.known(access.subject) : access.pairs;
    if (access.subject.name === '') return pairs && { verdict: 'denied', targets: pairs.map(targetOf) };
    return pairs && peek(pairs, tenant);
  };
  const review = async (access: Access, tenant: Tenant): Promise<AccessAnswer> => {
    const pairs = access.pairs === 'machine' ? await machine.read(access.subject) : access.pairs;
    if (!pairs) return { verdict: 'unanswered' };
    if (access.subject.name === '') return { verdict: 'denied', targets: pairs.map(targetOf) };
    return answerOf(pairs, await Promise.all(pairs.map((pair) => verdicts.verdict(pair, tenant))));
  };
  const warned = (access: Access, tenant: Tenant): AccessAnswer => {
    const known = look(access, tenant);
    if (known) warn(access, known);
    else void review(access, tenant).then((answer) => warn(access, answer));
    return allowed;
  };

  return {
    now(access, tenant) {
      if (access.mode === 'warn') return warned(access, tenant);
      return isTrusted() ? look(access, tenant) : undefined;
    },
    async ask(access, tenant) {
      if (access.mode === 'warn') return warned(access, tenant);
      if (!isTrusted()) await stranger.looked;
      if (!isTrusted()) return { verdict: 'unanswered' };
      return look(access, tenant) ?? review(access, tenant);
    },
  };
}

function createWarning({ clock, onWouldRefuse }: AccessGuardOptions) {
  const toldAt = new RecentMap<string, number>(subjectsKept);
  return (access: Access, answer: AccessAnswer): void => {
    if (answer.verdict !== 'denied') return;
    const { targets } = answer;
    const { namespace, name } = access.subject;
    const key = `${namespace}/${name} ${targets.map(accessTargetKey).join(' ')}`;
    const now = clock.elapsed();
    const isNew = now - (toldAt.get(key) ?? -Infinity) >= quietMs;
    if (isNew) toldAt.set(key, now);
    onWouldRefuse({ access, targets, isNew });
  };
}

export function answerOf(pairs: readonly AccessPair[], verdicts: readonly Verdict[]): AccessAnswer {
  const verdict = verdictOfAll(verdicts);
  if (verdict !== 'denied') return { verdict };
  return { verdict, targets: pairs.filter((_, index) => verdicts[index] === 'denied').map(targetOf) };
}

function targetOf({ target }: AccessPair): AccessTarget {
  return target;
}
