import type { PodView } from '../identify/pod-view.ts';
import type { Selector } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import { hasOtherClientId } from '../tokens/client-id.ts';
import { keyOf } from '../tokens/memory.ts';
import type { Obtained } from '../tokens/source.ts';
import type { TokenSubject } from '../tokens/types.ts';
import { isAllowedNow, missingRightOf } from './rights.ts';
import {
  permitsOf,
  nameOf,
  rightOf,
  type DecidedCall,
  type PodCall,
  type Permit,
  type GrantPorts,
} from './permit.ts';

/** A token that was waited for. */
export interface ReceivedToken {
  readonly subject: TokenSubject;
  readonly obtained: Obtained;
}

/** A review may take seconds, during which the decision may change, and need another one. */
const mostReviews = 3;

/**
 * Decides again before a token leaves that was waited for: by the objects and the pod of now. It leaves if the pod may still have a token of
 * this identity, and if its ServiceAccount has the rights that this decision needs.
 */
export async function releaseIfStillAllowed(
  options: GrantPorts,
  call: DecidedCall,
  held: ReceivedToken,
): Promise<Outcome> {
  for (let reviews = 0; reviews <= mostReviews; reviews += 1) {
    const pod = call.current();
    if (!pod) return goneOf(call);
    const decision = options.authorizer.decide(pod, call.request.selector, call.refused);
    const permit = permitsOf(decision).find((one) => isFor(one.subject, held));
    if (!permit) break;
    if (isAllowedNow(options, pod, permit)) return checkedToken(call, permit, held.obtained);
    const lack = await missingRightOf(options, call, rightOf(permit));
    if (lack) return lack;
  }
  return changedFor(call);
}

/** Another decision counts by now. */
export function changedFor({ pod }: Pick<PodCall, 'pod'>): Outcome {
  return { kind: 'rights-changed', pod: pod.key };
}

/**
 * All tokens are returned through here, in the turn of the event loop in which the permit was decided. The metadata service may know more
 * identities than an exception allows, and the cache may have a token that another exception allowed, so the client id of the token itself
 * is checked. So is the object id by which a pod names one of its identities.
 */
export function checkedToken({ pod, request }: PodCall, permit: Permit, obtained: Obtained): Outcome {
  const { subject, clientIds } = permit;
  const { clientId = '' } = obtained.issued;
  if (clientIds && !clientIds.has(clientId)) return notThis(pod, [...clientIds].sort());
  if (subject.kind !== 'machine' && !isNamedBy(request.selector, obtained)) return notThis(pod, [clientId]);
  return {
    kind: 'token',
    pod: pod.key,
    uid: pod.uid,
    identity: nameOf(permit),
    ...obtained,
    resource: request.resource,
  };
}

export function notThis({ key: pod }: PodView, offered: readonly string[]): Outcome {
  return { kind: 'denied', pod, denial: { why: 'not-this-identity', offered } };
}

function isNamedBy(selector: Selector, { issued }: Obtained): boolean {
  return selector.by !== 'object-id' || issued.objectId === selector.value;
}

/** The pod does not exist any more: another one may have its name and its address. */
export function goneOf({ pod }: Pick<PodCall, 'pod'>): Outcome {
  return { kind: 'unconfirmed', pod: pod.key };
}

/** The AzureIdentity may state another client id by now. */
function isFor(allowed: TokenSubject, { subject, obtained }: ReceivedToken): boolean {
  return keyOf(allowed) === keyOf(subject) && !hasOtherClientId(obtained.issued, allowed);
}
