// What pods may use of what matching gives them, where Kubernetes' RBAC is asked. That depends on their ServiceAccount, so the
// answer is worked out once for all pods that have it and their matches in common, and again when one of its verdicts changes.
import {
  strictestMode,
  type AccessMode,
  type AccessSubject,
  type AccessTarget,
} from '@pod-identity/crd-types';
import type { AccessBook, Holder } from '../../access/book.ts';
import { targetsOf } from '../../access/targets.ts';
import type { Verdict } from '../../access/verdict.ts';
import { Grouped } from './grouped.ts';
import type { MatchedIdentity, MatchSet } from './match-set.ts';
import type { Counted, Entry } from './pod-entries.ts';

export interface AccessRules {
  /** For all namespaces; the annotation of one makes it stricter for its pods. */
  readonly mode: AccessMode;
  readonly book: AccessBook<AccessGroup>;
}

/** An identity that a binding gives a pod and the API server does not, or not yet. */
export interface Barred {
  readonly match: MatchedIdentity;
  readonly verdict: Exclude<Verdict, 'allowed'>;
  readonly subject: AccessSubject;
  /** What is denied. None where `problem` says why no right can be given. */
  readonly targets: readonly AccessTarget[];
  readonly problem?: string | undefined;
}

/** What a pod gets, and what stands in the way of the rest. */
export interface PodRights {
  readonly usable: readonly MatchedIdentity[];
  readonly barred: readonly Barred[];
  /** In mode `warn`: what `rbac` would bar; it is usable all the same. */
  readonly warned: readonly Barred[];
}

interface Rights extends PodRights, Counted {}

/** The pods of one ServiceAccount that have their matches in common. */
export interface AccessGroup extends Holder {
  readonly set: MatchSet;
  readonly mode: Exclude<AccessMode, 'namespace'>;
  readonly members: Set<Entry>;
  rights: Rights;
}

export const nothingAsked: PodRights = { usable: [], barred: [], warned: [] };

export class RightsOfPods {
  readonly #rules: AccessRules | undefined;
  readonly #modes = new Map<string, AccessMode>();
  readonly #groups = new Map<MatchSet, Map<string, AccessGroup>>();
  readonly #groupOf = new Map<Entry, AccessGroup>();
  readonly #barredBy = new Grouped<string, AccessGroup>();

  constructor(rules: AccessRules | undefined) {
    this.#rules = rules;
  }

  mode(namespace: string): AccessMode {
    return this.#modes.get(namespace) ?? this.#rules?.mode ?? 'namespace';
  }

  /** Whether RBAC may decide in some namespace. */
  get hasRbac(): boolean {
    return this.#rules?.mode === 'rbac' || this.#modes.size > 0;
  }

  /** Whether another mode counts in the namespace than before. */
  setAnnotation(namespace: string, access: AccessMode | undefined): boolean {
    const before = this.mode(namespace);
    if (access === undefined || this.#rules === undefined) this.#modes.delete(namespace);
    else this.#modes.set(namespace, strictestMode(this.#rules.mode, access));
    const isOther = this.mode(namespace) !== before;
    // In mode `warn` a denial may be minutes old: a right that was granted meanwhile must not cost records and attached identities.
    if (isOther) this.#rules?.book.doubtDenials(namespace);
    return isOther;
  }

  /** What a pod that has a node gets by these matches; undefined where RBAC is not asked. */
  join(entry: Entry, set: MatchSet): Rights | undefined {
    const { pod } = entry;
    const before = this.#groupOf.get(entry);
    const mode = pod && this.mode(pod.namespace);
    if (!pod || mode === undefined || mode === 'namespace') {
      this.leave(entry);
      return undefined;
    }
    const subject = { namespace: pod.namespace, name: pod.serviceAccount };
    const group = this.#obtain(subject, mode, set);
    if (group === before) return group.rights;
    group.members.add(entry);
    this.#groupOf.set(entry, group);
    // Only now: a pair that is held without a break keeps its verdict.
    if (before) this.#drop(before, entry);
    return group.rights;
  }

  leave(entry: Entry): void {
    const group = this.#groupOf.get(entry);
    if (group === undefined) return;
    this.#groupOf.delete(entry);
    this.#drop(group, entry);
  }

  /** By matches that may be newer copies than those it was joined by, and mean the same. */
  current(entry: Entry, set: MatchSet): PodRights {
    const group = this.#groupOf.get(entry);
    const known = group && (group.set === set ? group.rights : this.join(entry, set));
    if (known) return known;
    const isAsked = entry.pod !== undefined && this.mode(entry.pod.namespace) !== 'namespace';
    return isAsked ? nothingAsked : { ...nothingAsked, usable: set.matches };
  }

  /** Verdicts of these have changed. Returns the keys of AzureIdentities about which there is something else to say. */
  refresh(groups: Iterable<AccessGroup>): readonly string[] {
    return [...groups].flatMap((group) => {
      // It may have lost its last pod since.
      if (group.members.size === 0) return [];
      this.#unfile(group);
      const { book } = this.#rules ?? {};
      if (book) group.rights = rightsOf(group, book);
      this.#file(group);
      return group.set.matches.map(({ identityKey }) => identityKey);
    });
  }

  /** Whose pods are denied the AzureIdentity, or would be. */
  denied(identityKey: string): readonly Barred[] {
    return [...this.#barredBy.of(identityKey)].flatMap(({ rights }) =>
      [...rights.barred, ...rights.warned].filter(
        ({ match, verdict }) => match.identityKey === identityKey && verdict === 'denied',
      ),
    );
  }

  #obtain(subject: AccessSubject, mode: AccessGroup['mode'], set: MatchSet): AccessGroup {
    const groups = this.#groups.get(set) ?? new Map<string, AccessGroup>();
    const key = groupKey(subject, mode);
    const known = groups.get(key);
    if (known) return known;
    const targets = [...new Set(set.matches.flatMap(({ identity }) => targetsOf(identity).targets))];
    const group: AccessGroup = { subject, mode, set, targets, members: new Set(), rights: nothing };
    this.#groups.set(set, groups.set(key, group));
    if (this.#rules) {
      this.#rules.book.hold(group);
      group.rights = rightsOf(group, this.#rules.book);
    }
    this.#file(group);
    return group;
  }

  #drop(group: AccessGroup, entry: Entry): void {
    group.members.delete(entry);
    if (group.members.size > 0) return;
    this.#unfile(group);
    this.#rules?.book.release(group);
    const groups = this.#groups.get(group.set);
    groups?.delete(groupKey(group.subject, group.mode));
    if (groups?.size === 0) this.#groups.delete(group.set);
  }

  #file(group: AccessGroup): void {
    for (const key of deniedIn(group)) this.#barredBy.add(key, group);
  }

  #unfile(group: AccessGroup): void {
    for (const key of deniedIn(group)) this.#barredBy.remove(key, group);
  }
}

const nothing: Rights = { needs: [], grants: [], uses: [], usable: [], barred: [], warned: [] };

function groupKey({ namespace, name }: AccessSubject, mode: AccessMode): string {
  return `${mode} ${namespace}/${name}`;
}

function deniedIn({ rights }: AccessGroup): readonly string[] {
  return [...rights.barred, ...rights.warned].flatMap(({ match, verdict }) =>
    verdict === 'denied' ? match.identityKey : [],
  );
}

function rightsOf(group: AccessGroup, book: AccessBook<AccessGroup>): Rights {
  const { set, mode } = group;
  const barred = set.matches.flatMap((match) => barredIn(group, match, book));
  if (mode === 'warn') return { ...set, usable: set.matches, barred: [], warned: barred };
  const verdicts = new Map(barred.map(({ match, verdict }) => [match, verdict]));
  const usable = set.matches.filter((match) => !verdicts.has(match));
  const kept = set.matches.filter((match) => verdicts.get(match) !== 'denied');
  return { ...countedOf(kept), grants: countedOf(usable).needs, usable, barred, warned: [] };
}

function barredIn(
  group: AccessGroup,
  match: MatchedIdentity,
  book: AccessBook<AccessGroup>,
): readonly Barred[] {
  const { subject } = group;
  const { targets, problem } = targetsOf(match.identity);
  if (problem !== undefined) return [{ match, verdict: 'denied', subject, targets: [], problem }];
  const verdicts = targets.map((target) => book.verdict(group, target));
  const denied = targets.filter((_, index) => verdicts[index] === 'denied');
  if (denied.length > 0) return [{ match, verdict: 'denied', subject, targets: denied }];
  return verdicts.includes('unknown') ? [{ match, verdict: 'unknown', subject, targets: [] }] : [];
}

/** What a host must carry for these matches, each id once, and the AzureIdentities by which. */
function countedOf(matches: readonly MatchedIdentity[]): Pick<Counted, 'needs' | 'uses'> {
  const attached = matches.filter(({ resourceId }) => resourceId !== undefined);
  return {
    needs: [...new Set(attached.flatMap(({ resourceId }) => resourceId ?? []))],
    uses: [...new Set(attached.map(({ identityKey }) => identityKey))],
  };
}
