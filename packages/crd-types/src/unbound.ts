import { bindingLabel } from './group.ts';
import { mostBindingsPerNamespace } from './own-bindings.ts';

/** Why a pod has no identity, or why a binding gives it none. Objects are named `namespace/name`. */
export type Unbound =
  /** The pod has no ServiceAccount. */
  | { readonly why: 'no-account' }
  /** `labelsFault`: why the labels of the pod's Namespace are not known, so that it accepts no other one. */
  | { readonly why: 'other-namespace'; readonly labelsFault?: string }
  /** `isUnselected`: bindings of the pod's namespace select pods without the label, but not this one. `surplus`: as below. */
  | { readonly why: 'no-label' | 'empty-label'; readonly isUnselected?: boolean; readonly surplus?: string }
  /**
   * `leftOut`: bindings of the pod's namespace were left out; one of them may select the pod. `surplus`: the first binding of the pod's
   * namespace that does not count, since there are too many; it or a later one may select the pod.
   */
  | {
      readonly why: 'no-binding';
      readonly label: string;
      readonly leftOut?: boolean;
      readonly surplus?: string;
    }
  /** `binding`: of the pod's own namespace. `surplus`: as above. */
  | { readonly why: 'not-selected'; readonly binding: string; readonly surplus?: string }
  /** The binding names an AzureIdentity that its namespace lacks. */
  | { readonly why: 'identity-missing'; readonly binding: string; readonly identity: string }
  /** `fault`: why the AzureIdentity cannot be used; a part of a sentence. */
  | { readonly why: 'identity-invalid'; readonly identity: string; readonly fault: string };

/**
 * The text for MIC's Event and for NMI's response and Event, with the remedy. It starts with the words of IMDS, which SDKs look for. Names
 * of objects in other namespaces are left out, since the pod's owner may not be allowed to see them.
 *
 * @example
 * ```ts
 * explainUnbound('shop/web-0', { why: 'no-binding', label: 'demo' });
 * // Identity not found. No AzureIdentityBinding has the selector 'demo', which is the label aadpodidbinding of pod shop/web-0.
 * ```
 */
export function explainUnbound(pod: string, unbound: Unbound): string {
  return `Identity not found. ${whyUnbound(pod, unbound)}`;
}

/**
 * The same without "Identity not found.", for a pod that may still get its identity.
 *
 * @example
 * ```ts
 * whyUnbound('shop/web-0', { why: 'no-label' });
 * // Pod shop/web-0 has no label aadpodidbinding: give it one whose value is the selector of an AzureIdentityBinding.
 * ```
 */
export function whyUnbound(pod: string, unbound: Unbound): string {
  switch (unbound.why) {
    case 'no-account':
      return `Pod ${pod} has no ServiceAccount, ${onlyWithAccount}: ${accountRemedy}.`;
    case 'no-label':
      return `Pod ${pod} has no label ${bindingLabel}${unselectedOr(unbound, ': give it one whose value is the selector of an AzureIdentityBinding.')}${orBeyond(unbound)}`;
    case 'empty-label':
      return `The label ${bindingLabel} of pod ${pod} is empty${unselectedOr(unbound, ': its value must be the selector of an AzureIdentityBinding.')}${orBeyond(unbound)}`;
    case 'no-binding':
      return `No AzureIdentityBinding has the selector '${unbound.label}', which is the label ${bindingLabel} of pod ${pod}.${orLeftOut(unbound.leftOut)}${orBeyond(unbound)}`;
    case 'other-namespace':
      return (
        `The bindings or identities for the label ${bindingLabel} of pod ${pod} are in another namespace and ` +
        'only for pods of that namespace: create AzureIdentity and AzureIdentityBinding in the namespace of the pod.' +
        orUnread(unbound.labelsFault)
      );
    case 'not-selected':
      return `AzureIdentityBinding ${unbound.binding} has the label ${bindingLabel} of pod ${pod} as its selector, but its podSelector or serviceAccountName is for other pods.${orBeyond(unbound)}`;
    case 'identity-missing':
      return whyMissing(pod, unbound);
    case 'identity-invalid':
      return isOwn(pod, unbound.identity)
        ? `AzureIdentity ${unbound.identity} is not valid: ${unbound.fault}.`
        : `The AzureIdentity that is bound to pod ${pod} is not valid; its conditions say why.`;
  }
}

function whyMissing(pod: string, { binding, identity }: Of<'identity-missing'>): string {
  return isOwn(pod, binding)
    ? `AzureIdentityBinding ${binding} names AzureIdentity ${identity}, which does not exist.`
    : `An AzureIdentityBinding for pod ${pod} names an AzureIdentity that does not exist.`;
}

type Of<Why extends Unbound['why']> = Extract<Unbound, { readonly why: Why }>;

/** Without a subject, for `explain` of both programs: the pod has no ServiceAccount. */
export const onlyWithAccount = 'and only pods with one get an identity; static pods have none';

/** The remedy for a pod without a ServiceAccount. */
export const accountRemedy =
  'run it by a Deployment or a DaemonSet instead, or set spec.serviceAccountName if the cluster does not do so';

function unselectedOr({ isUnselected }: { readonly isUnselected?: boolean }, remedy: string): string {
  return isUnselected === true
    ? ', and no AzureIdentityBinding of its namespace selects it by podSelector or serviceAccountName: give it the label, or create such a binding.'
    : remedy;
}

function orUnread(labelsFault: string | undefined): string {
  return labelsFault === undefined
    ? ''
    : ` Or its Namespace accepts them by a label that is not read: ${labelsFault}; remove some of its labels.`;
}

function orLeftOut(isSo: boolean | undefined): string {
  return isSo === true ? ` Or it is left out: ${overShare('AzureIdentityBindings')}.` : '';
}

function orBeyond({ surplus }: { readonly surplus?: string }): string {
  return surplus === undefined ? '' : ` Or there are ${explainTooMany(surplus)}: ${tooManyRemedy}.`;
}

/**
 * Why MIC or NMI leaves out objects of a namespace. It reveals nothing about other namespaces.
 *
 * @example
 * ```ts
 * overShare('AzureIdentities'); // its namespace has more AzureIdentities than --namespace-share holds, …
 * ```
 */
export function overShare(kinds: 'AzureIdentities' | 'AzureIdentityBindings'): string {
  return `its namespace has more ${kinds} than --namespace-share holds, the oldest are kept; delete some, or raise the share`;
}

/** The problem of an unknown identity if some identities of its namespace were left out. */
export const absentOrLeftOut: string = /* @__PURE__ */ notThere();

/**
 * The problem of the first binding beyond the limit, for `explain` of both programs and for MIC's Event.
 *
 * @example
 * ```ts
 * explainTooMany('shop/zoo');
 * // too many AzureIdentityBindings: shop/zoo and later ones over the same limit don't count. The limit is 100 that select a pod, and 100 of a namespace that
 * // require no label or ServiceAccount (only NotIn and DoesNotExist)
 * ```
 */
export function explainTooMany(binding: string): string {
  return `too many AzureIdentityBindings: ${binding} and later ones over the same limit don't count. The limit is ${mostBindingsPerNamespace} that select a pod, and ${mostBindingsPerNamespace} of a namespace that require no label or ServiceAccount (only NotIn and DoesNotExist)`;
}

/** The remedy for the problem that `explainTooMany` states. */
export const tooManyRemedy =
  'delete bindings, or give pods that need different identities different labels and select them by these';

function notThere(): string {
  return `it is not there, or left out: ${overShare('AzureIdentities')}`;
}

function isOwn(pod: string, object: string): boolean {
  return pod.split('/', 1)[0] === object.split('/', 1)[0];
}
