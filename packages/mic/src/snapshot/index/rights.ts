// What pods may use of their matches, by Kubernetes' RBAC. That depends on their ServiceAccount, so it is computed once for all pods
// with the same ServiceAccount and matches, and again when a verdict changes.
import {
  strictestMode,
  type AccessMode,
  type AccessSubject,
  type AccessTarget,
  type ResourceId,
} from '@pod-identity/crd-types';
import { targetsOf, verdictOfAll } from '@pod-identity/policy';
import type { PairRegistry, Holder } from '../../access/pair-registry.ts';
import type { PairVerdict } from '../../access/pair-verdict.ts';
import { Grouped } from './grouped.ts';
import { hasReviewed, isEnforced, isReviewed, type MatchedIdentity, type MatchSet } from './match-set.ts';
import type { Counted, Entry, Reviewed } from './pod-entries.ts';
import { isSameMatch } from './results.ts';

export interface AccessRules {
  /** For all namespaces; the annotation of a namespace can make it stricter there. */
  readonly mode: AccessMode;
  readonly registry: PairRegistry<AccessGroup>;
}

/** A matched identity that the API server denies to the pod, or has not allowed yet. */
export interface Barred {
  readonly match: MatchedIdentity;
  readonly verdict: Exclude<PairVerdict, 'allowed'>;
  readonly subject: AccessSubject;
  /** The denied targets. Empty if `problem` says why no right can be granted. */
  readonly targets: readonly AccessTarget[];
  readonly problem?: string | undefined;
  /** With `unknown`: the namespace needs more rights than MIC asks about. */
  readonly isOver?: true;
}

/** What a pod gets, and why it does not get the rest. */
export interface PodRights {
  readonly usable: readonly MatchedIdentity[];
  readonly barred: readonly Barred[];
  /** In mode `warn`: what `rbac` would bar; still usable. */
  readonly warned: readonly Barred[];
}

/** The pods of one ServiceAccount with the same matches. */
export interface AccessGroup extends Holder {
  set: MatchSet;
  /** `namespace` only for matches of which some are federated. */
  readonly mode: AccessMode;
  readonly members: Set<Entry>;
  rights: Reviewed;
  /** Whether verdicts have changed since `rights` was made. */
  isOutdated: boolean;
}

export const nothingReviewed: PodRights = { usable: [], barred: [], warned: [] };

export class RightsOfPods {
  readonly #rules: AccessRules | undefined;
  readonly #onOther: (identityKey: string) => void;
  readonly #modes = new Map<string, AccessMode>();
  readonly #groups = new Map<number, Map<string, AccessGroup>>();
  readonly #groupOf = new Map<Entry, AccessGroup>();
  readonly #barredBy = new Grouped<string, AccessGroup>();
  /** Groups without pods by namespace, which still hold their pairs: a pod that is settled later may need the same ones. */
  readonly #left = new Grouped<string, AccessGroup>();

  /** `onOther` is called with each AzureIdentity whose condition may have changed: by `denied`, or by verdicts. */
  constructor(rules: AccessRules | undefined, onOther: (identityKey: string) => void = () => undefined) {
    this.#rules = rules;
    this.#onOther = onOther;
  }

  mode(namespace: string): AccessMode {
    return this.#modes.get(namespace) ?? this.#rules?.mode ?? 'namespace';
  }

  /** Whether RBAC may decide in some namespace. */
  get hasRbac(): boolean {
    return this.#rules?.mode === 'rbac' || this.#modes.size > 0;
  }

  /** Returns whether the mode of the namespace has changed. */
  setAnnotation(namespace: string, access: AccessMode | undefined): boolean {
    const before = this.mode(namespace);
    if (access === undefined || this.#rules === undefined) this.#modes.delete(namespace);
    else this.#modes.set(namespace, strictestMode(this.#rules.mode, access));
    const isOther = this.mode(namespace) !== before;
    // Denials from mode `warn` may be minutes old: if the right was granted meanwhile, records and attached identities must stay.
    if (isOther) this.#rules?.registry.doubtDenials(namespace);
    return isOther;
  }

  /** What a scheduled pod may use of these matches; undefined if RBAC is not asked. */
  join(entry: Entry, set: MatchSet): Reviewed | undefined {
    const { pod } = entry;
    const before = this.#groupOf.get(entry);
    const mode = pod && this.mode(pod.namespace);
    if (!pod || mode === undefined || !this.#rules || !hasReviewed(set, mode)) {
      this.leave(entry);
      return undefined;
    }
    const subject = { namespace: pod.namespace, name: pod.serviceAccount };
    const group = this.#obtain(subject, mode, set);
    this.#update(group);
    if (group === before) return group.rights;
    group.members.add(entry);
    if (set.matches.some((match) => isEnforced(match, mode))) this.#rules.registry.await(group);
    this.#groupOf.set(entry, group);
    // Only now: a pair that is held without interruption keeps its verdict.
    if (before) this.#drop(before, entry);
    return group.rights;
  }

  leave(entry: Entry): void {
    const group = this.#groupOf.get(entry);
    if (group === undefined) return;
    this.#groupOf.delete(entry);
    this.#drop(group, entry);
  }

  /** To be called when no pod of the namespace is stale: pairs that no pod needs any more are not asked about again. */
  releaseLeft(namespace: string): void {
    for (const group of [...this.#left.of(namespace)]) {
      this.#left.remove(namespace, group);
      this.#rules?.registry.release(group);
    }
  }

  /** What the pod may use of matches that say the same as those with which it was settled. */
  of(entry: Entry, { matches }: MatchSet): PodRights {
    const { pod } = entry;
    const group = this.#groupOf.get(entry);
    if (group && this.#rules) return podRightsOf(group, matches, this.#rules.registry);
    const isReviewed = pod !== undefined && this.mode(pod.namespace) !== 'namespace';
    return isReviewed ? nothingReviewed : { ...nothingReviewed, usable: matches };
  }

  /** Evaluates the group if its verdicts have changed: in the turn of one of its pods, since one answer can concern thousands of groups. */
  #update(group: AccessGroup): void {
    const { registry } = this.#rules ?? {};
    if (!group.isOutdated || registry === undefined) return;
    group.isOutdated = false;
    this.#unfile(group);
    group.rights = rightsOf(group, registry);
    this.#file(group);
    for (const { identityKey } of group.set.matches) this.#onOther(identityKey);
  }

  /** ServiceAccounts that are denied the AzureIdentity, or would be. */
  denied(identityKey: string): readonly Barred[] {
    const { registry } = this.#rules ?? {};
    if (registry === undefined) return [];
    return [...this.#barredBy.of(identityKey)].flatMap((group) => {
      const position = group.set.matches.findIndex((match) => match.identityKey === identityKey);
      const match = group.set.matches[position];
      return match ? barredAt(group, { match, position }, registry) : [];
    });
  }

  #obtain(subject: AccessSubject, mode: AccessGroup['mode'], set: MatchSet): AccessGroup {
    const groups = this.#groups.get(set.meaningId) ?? new Map<string, AccessGroup>();
    const key = groupKey(subject, mode);
    const known = groups.get(key);
    if (known) {
      // Newer copies of the same.
      known.set = set;
      return known;
    }
    const reviewed = set.matches.filter((match) => isReviewed(match, mode));
    const targets = [...new Set(reviewed.flatMap(({ identity }) => targetsOf(identity).targets))];
    const group: AccessGroup = {
      subject,
      mode,
      set,
      targets,
      members: new Set(),
      rights: { needs: [], grants: [], uses: [], mode },
      isOutdated: false,
    };
    this.#groups.set(set.meaningId, groups.set(key, group));
    if (this.#rules) {
      this.#rules.registry.hold(group);
      group.rights = rightsOf(group, this.#rules.registry);
    }
    this.#file(group);
    return group;
  }

  #drop(group: AccessGroup, entry: Entry): void {
    group.members.delete(entry);
    if (group.members.size > 0) return;
    this.#unfile(group);
    const { namespace } = group.subject;
    this.#left.add(namespace, group);
    if (this.#left.of(namespace).size > mostLeft) this.releaseLeft(namespace);
    const groups = this.#groups.get(group.set.meaningId);
    groups?.delete(groupKey(group.subject, group.mode));
    if (groups?.size === 0) this.#groups.delete(group.set.meaningId);
  }

  #file(group: AccessGroup): void {
    for (const key of deniedIn(group)) {
      this.#barredBy.add(key, group);
      this.#onOther(key);
    }
  }

  #unfile(group: AccessGroup): void {
    for (const key of deniedIn(group)) {
      this.#barredBy.remove(key, group);
      this.#onOther(key);
    }
  }
}

/** Of a namespace: an editor who never stops must not keep more pairs than this many ServiceAccounts need. */
const mostLeft = 1_000;

function groupKey({ namespace, name }: AccessSubject, mode: AccessMode): string {
  return `${mode} ${namespace}/${name}`;
}

function deniedIn({ set, rights }: AccessGroup): readonly string[] {
  return set.matches.flatMap(({ identityKey }, position) =>
    rights.verdicts?.[position] === 'denied' ? identityKey : [],
  );
}

function rightsOf(group: AccessGroup, registry: PairRegistry<AccessGroup>): Reviewed {
  const { set, mode } = group;
  const { matches, needs, grants, uses } = set;
  const verdicts = matches.map((match) => verdictOf(group, match, registry));
  // The usual case of a steady cluster.
  if (verdicts.every((verdict) => verdict === 'allowed')) return { mode, needs, grants, uses };
  if (mode !== 'rbac') return { mode, needs, grants, uses, verdicts };
  const usable = matches.filter((_, position) => verdicts[position] === 'allowed');
  const kept = matches.filter((_, position) => verdicts[position] !== 'denied');
  const counted = kept.length === matches.length ? { needs, uses } : countedOf(kept);
  const granted = usable.length === kept.length ? counted : countedOf(usable);
  return { mode, ...counted, grants: granted.needs, verdicts };
}

function verdictOf(
  group: AccessGroup,
  match: MatchedIdentity,
  registry: PairRegistry<AccessGroup>,
): PairVerdict {
  if (!isReviewed(match, group.mode)) return 'allowed';
  const { targets, problem } = targetsOf(match.identity);
  if (problem !== undefined) return 'denied';
  return verdictOfAll(targets.map((target) => registry.verdict(group, target)));
}

/** Made when it is asked for: kept for each pod it would take most of the memory of a namespace whose pods all have other matches. */
function podRightsOf(
  group: AccessGroup,
  matches: MatchSet['matches'],
  registry: PairRegistry<AccessGroup>,
): PodRights {
  const { verdicts } = group.rights;
  const barred = matches.flatMap((match, position) => barredAt(group, { match, position }, registry));
  const isUsable = (match: MatchedIdentity, position: number) =>
    !isEnforced(match, group.mode) ||
    ((verdicts?.[position] ?? 'allowed') === 'allowed' && isSameMatch(match, group.set.matches[position]));
  const { enforced = [], warned = [] } = Object.groupBy(barred, ({ match }) =>
    isEnforced(match, group.mode) ? 'enforced' : 'warned',
  );
  return { usable: matches.filter(isUsable), barred: enforced, warned };
}

interface Position {
  readonly match: MatchedIdentity;
  readonly position: number;
}

function barredAt(
  group: AccessGroup,
  { match, position }: Position,
  registry: PairRegistry<AccessGroup>,
): readonly Barred[] {
  const { subject, rights } = group;
  const verdict = rights.verdicts?.[position];
  if (verdict === undefined || verdict === 'allowed') return [];
  if (verdict === 'unknown') {
    const isOver = registry.waits(group);
    return [{ match, verdict, subject, targets: [], ...(isOver && { isOver }) }];
  }
  const { targets, problem } = targetsOf(match.identity);
  if (problem !== undefined) return [{ match, verdict, subject, targets: [], problem }];
  const denied = targets.filter((target) => registry.verdict(group, target) === 'denied');
  // None is denied any more if an answer has come since: the group is evaluated again soon.
  return [{ match, verdict, subject, targets: denied.length > 0 ? denied : targets }];
}

/** The ids that a host must carry for these matches, each once, and their AzureIdentities. */
function countedOf(matches: readonly MatchedIdentity[]): Pick<Counted, 'needs' | 'uses'> {
  const needs = new Set<ResourceId>();
  const uses = new Set<string>();
  for (const { resourceId, identityKey } of matches) {
    if (resourceId === undefined) continue;
    needs.add(resourceId);
    uses.add(identityKey);
  }
  return { needs: [...needs], uses: [...uses] };
}
