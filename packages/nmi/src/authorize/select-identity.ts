import { canonicalResourceId } from '@pod-identity/crd-types';
import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { Candidate, Denial } from './types.ts';

export type Selection =
  | { readonly kind: 'one'; readonly candidate: Candidate }
  | { readonly kind: 'by-object-id'; readonly candidates: readonly Candidate[] }
  /** `several`: those that the request can mean. */
  | { readonly kind: 'none'; readonly denial: Denial; readonly several?: readonly Candidate[] };

export interface IdentityRequest {
  readonly selector: Selector;
  readonly defaultIdentity: PodView['defaultIdentity'];
}

/** Selects the candidate that the request names. Deterministic, and independent of which candidates are ready. */
export function selectIdentity(candidates: readonly Candidate[], wanted: IdentityRequest): Selection {
  const { selector } = wanted;
  switch (selector.by) {
    case 'nothing':
      return theDefault(candidates, wanted.defaultIdentity);
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
  const hosts = ownFirst(all);
  const only = theOnly(hosts);
  const chosen =
    preferred === undefined
      ? hosts.filter(({ isDefault }) => isDefault)
      : ownFirst(all.filter((one) => isCalled(one, preferred)));
  const isAlone = only.kind === 'one' && hosts.length === all.length;
  return chosen.length === 0 || isAlone ? only : theOnly(chosen);
}

function isCalled({ name, isGuest }: Candidate, wanted: string): boolean {
  return name === wanted || (isGuest !== true && name.endsWith(`/${wanted}`));
}

function theOnly(candidates: readonly Candidate[]): Selection {
  const only = theOne(candidates);
  return only
    ? { kind: 'one', candidate: only }
    : { ...none('several-identities', candidates), several: candidates };
}

/** What tells whether two AzureIdentities describe one identity. */
export interface Described extends Pick<Candidate, 'resourceId' | 'clientId'> {
  readonly identity: {
    readonly metadata: { readonly namespace?: string };
    readonly spec: Pick<Candidate['identity']['spec'], 'type' | 'tenantID'>;
  };
}

/** Whether requests that can mean each of these get a token, since all describe one identity. */
export function areOne(candidates: readonly Described[]): boolean {
  return theOne(candidates) !== undefined;
}

/**
 * Several AzureIdentities may describe one identity. A federated one is preferred, so that one of type 0 can be attached before the federated one
 * is deleted; then one with a client id, since the token is checked against it: the token is requested by resource id, so it is the same for all
 * others.
 */
function theOne<One extends Described>(candidates: readonly One[]): One | undefined {
  const stated = candidates.filter(({ clientId }) => clientId !== '');
  const first = candidates.find(isFederated) ?? stated[0] ?? candidates[0];
  const isOne =
    first !== undefined && candidates.every((other) => other === first || isSameIdentity(first, other));
  const isStatedOnce = new Set(stated.map(({ clientId }) => clientId)).size <= 1;
  return isOne && isStatedOnce ? first : undefined;
}

const isFederated = ({ identity }: Described) => identity.spec.type === 3;

function isSameIdentity(a: Described, b: Described): boolean {
  if (isFederated(a) !== isFederated(b)) return isSameOfOtherType(a, b);
  if (isFederated(a)) return a.clientId === b.clientId && tenantOf(a) === tenantOf(b);
  return a.resourceId !== undefined && a.resourceId === b.resourceId;
}

/** Only within a namespace: another one must not decide how the identity is requested. An application has other rights in each tenant. */
function isSameOfOtherType(a: Described, b: Described): boolean {
  const isManaged = [a, b].some(({ identity }) => identity.spec.type === 0);
  const isOneTenant = isManaged || tenantOf(a) === tenantOf(b);
  return a.clientId !== '' && a.clientId === b.clientId && namespaceOf(a) === namespaceOf(b) && isOneTenant;
}

const namespaceOf = ({ identity }: Described) => identity.metadata.namespace;
const tenantOf = ({ identity }: Described) => identity.spec.tenantID?.toLowerCase();

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
