// The words for a binding that gives a pod an identity, for `explain` of both programs.
import {
  describeSelection,
  hasOwnConditions,
  isGuestIn,
  isNamespaced,
  warningTexts,
  type AzureIdentity,
  type AzureIdentityBinding,
  type AzurePodIdentityException,
  type Reach,
} from '@pod-identity/crd-types';
import { inBroker, info, ok, type Finding } from './finding.ts';

/** As in `Match`. */
export interface Matched {
  readonly binding: AzureIdentityBinding;
  readonly identity: AzureIdentity;
}

/** Which binding selects the pod, which identity it names, and what is probably not meant in either. */
export function explainMatch(namespace: string, { binding, identity }: Matched, reach: Reach): Finding[] {
  const [of, by] = [keyOf(identity), keyOf(binding)];
  const reason = hasOwnConditions(binding) ? ` by ${describeSelection(binding)}` : '';
  return [
    ok('binding', `${by} selects the pod${reason} and names AzureIdentity ${of}`),
    ...doubtful('binding', binding),
    ok('identity', `${of} is ${describe(identity)}, for pods ${servedBy(identity, { namespace, reach })}`),
    ...doubtful('identity', identity),
    ...credentialOf(identity),
  ];
}

/** Of type 3: neither MIC nor NMI knows the issuer of the cluster, and no explanation gets a token. */
function credentialOf({ spec: { type, tenantID, clientID } }: AzureIdentity): Finding[] {
  if (type !== 3) return [];
  const command = inBroker(`check-federated ${tenantID ?? ''}/${clientID ?? ''}`);
  return [
    info('identity', 'only the broker can see whether Microsoft Entra has a federated credential of it', {
      text: 'look, and get the command that makes one',
      command,
    }),
  ];
}

const doubts = new WeakMap<Doubtful, readonly Finding[]>();

/** What is valid but probably not meant. It changes no response and no assignment. Kept by object, since one may be for thousands of pods; an edited one is another object. */
export function doubtful(topic: 'binding' | 'identity' | 'exception', object: Doubtful): readonly Finding[] {
  const known = doubts.get(object);
  if (known) return known;
  const found = warningTexts(object).map((text) => info(topic, `${object.kind} ${keyOf(object)}: ${text}`));
  doubts.set(object, found);
  return found;
}

type Doubtful = AzureIdentity | AzureIdentityBinding | AzurePodIdentityException;

/** An object of the pod's namespace that may be meant for the pod. */
export function invalidFinding({ kind, key, fault }: InvalidObject): Finding {
  const topic = kind === 'AzureIdentityBinding' ? 'binding' : 'exception';
  return info(topic, `${kind} ${key} is not valid, so it is for no pod: ${fault}`);
}

interface InvalidObject {
  readonly kind: 'AzureIdentityBinding' | 'AzurePodIdentityException';
  /** `namespace/name`. */
  readonly key: string;
  readonly fault: string;
}

/** With its article, for texts on hosts. */
export function kindInWords({ spec: { type } }: AzureIdentity): string {
  if (type === 0) return 'a managed identity';
  return type === 3 ? 'a federated identity' : 'a service principal';
}

function describe({ spec }: AzureIdentity): string {
  switch (spec.type) {
    case 0:
      return `the managed identity ${spec.resourceID ?? ''}`;
    case 1:
      return `the service principal ${spec.clientID ?? ''} with a client secret`;
    case 2:
      return `the service principal ${spec.clientID ?? ''} with a certificate`;
    case 3:
      return `the federated identity ${spec.clientID ?? ''} of tenant ${spec.tenantID ?? ''}`;
  }
}

/** Whose identities a pod may get, in a sentence. */
export const reachInWords: Readonly<Record<Reach, string>> = {
  own: 'of the pod’s namespace',
  allowed:
    'of the pod’s namespace, and of others by their allowedNamespaces where the pod’s namespace accepts them',
  any: 'of any namespace',
};

/** The pods that the identity is for, as one in this namespace sees it. */
function servedBy(
  identity: AzureIdentity,
  { namespace, reach }: { readonly namespace: string; readonly reach: Reach },
): string {
  if (isGuestIn(namespace, identity)) return `of namespace ${namespace} by its allowedNamespaces`;
  const own = 'of its own namespace, which is the pod’s';
  if (reach === 'own' || isNamespaced(identity)) return own;
  if (identity.spec.allowedNamespaces !== undefined) return `${own}, and of others by its allowedNamespaces`;
  return reach === 'allowed' ? own : 'of any namespace';
}

function keyOf({ metadata: { namespace = '', name } }: Doubtful): string {
  return `${namespace}/${name}`;
}
