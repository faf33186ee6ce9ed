import { canonicalResourceId } from '@pod-identity/crd-types';
import { preferredDescription } from '@pod-identity/policy';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { Candidate, Denial } from './types.ts';

export type Selection =
  | { readonly kind: 'one'; readonly candidate: Candidate }
  | { readonly kind: 'by-object-id'; readonly candidates: readonly Candidate[] }
  /** `several`: those that the request can mean. */
  | { readonly kind: 'none'; readonly denial: Denial; readonly several?: readonly Candidate[] };

/** Selects the candidate that the request names. Deterministic, and independent of which candidates are ready. */
export function selectIdentity(
  candidates: readonly Candidate[],
  selector: Selector,
  { defaultIdentity }: Pick<PodView, 'defaultIdentity'>,
): Selection {
  switch (selector.by) {
    case 'nothing':
      return theDefault(candidates, defaultIdentity);
    case 'client-id':
      return theNamed(candidates, ({ clientId }) => clientId === selector.value);
    case 'resource-id': {
      const wanted = canonicalResourceId(selector.value);
      return theNamed(candidates, ({ resourceId }) => resourceId === wanted);
    }
    case 'object-id':
      return { kind: 'by-object-id', candidates };
  }

  function theNamed(all: readonly Candidate[], isMeant: (candidate: Candidate) => boolean): Selection {
    const meant = all.filter(isMeant);
    return meant.length === 0 ? none('not-this-identity', all) : theOnly(ownFirst(meant));
  }
}

/** Leaves out guests if there are other candidates: whoever may write in another namespace must not decide what a request means. */
function ownFirst(candidates: readonly Candidate[]): readonly Candidate[] {
  const own = candidates.filter(({ isGuest }) => isGuest !== true);
  return own.length === 0 ? candidates : own;
}

/** The pod's annotation may name a guest, with its namespace. Nothing written there makes it the default, nor does its name. */
function theDefault(all: readonly Candidate[], preferred: string | undefined): Selection {
  const own = ownFirst(all);
  const only = theOnly(own);
  const chosen =
    preferred === undefined
      ? own.filter(({ isDefault }) => isDefault)
      : ownFirst(all.filter((one) => isCalled(one, preferred)));
  const isAlone = only.kind === 'one' && own.length === all.length;
  return chosen.length === 0 || isAlone ? only : theOnly(chosen);
}

function isCalled({ name, isGuest }: Candidate, wanted: string): boolean {
  return name === wanted || (isGuest !== true && name.endsWith(`/${wanted}`));
}

function theOnly(candidates: readonly Candidate[]): Selection {
  const only = preferredDescription(candidates);
  return only
    ? { kind: 'one', candidate: only }
    : { ...none('several-identities', candidates), several: candidates };
}

function none(
  why: 'not-this-identity' | 'several-identities',
  candidates: readonly Candidate[],
): Extract<Selection, { readonly kind: 'none' }> {
  const offered = offers.get(candidates) ?? offeredOf(candidates);
  offers.set(candidates, offered);
  return { kind: 'none', denial: { why, offered } };
}

/** Cached by list of candidates, since a pod may send many requests that name none of them. */
const offers = new WeakMap<readonly Candidate[], readonly string[]>();

/** Client ids; for an identity without one its resource id, unless another object has the client id of that resource. */
function offeredOf(candidates: readonly Candidate[]): readonly string[] {
  const stated = candidates.filter(({ clientId }) => clientId !== '');
  const offeredAlready = new Set(stated.map(({ resourceId }) => resourceId));
  const silent = candidates.filter(
    ({ clientId, resourceId }) => clientId === '' && !(resourceId && offeredAlready.has(resourceId)),
  );
  const offered = [
    ...stated.map(({ clientId }) => clientId),
    ...silent.map(({ resourceId, name }) => resourceId ?? name),
  ];
  return [...new Set(offered)].sort();
}
