// From NMI to workload identity, for one ServiceAccount: its app gets tokens from Entra itself, without NMI.
import type { AzureIdentity, AzureIdentityBinding } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { resources } from '@pod-identity/crd-types';
import { azCommand, shellWord } from '@pod-identity/policy';
import { credentialWords, usualAudience } from '../cluster/credential.ts';
import { keyOf, mapAt, type ObjectName } from '../cluster/fields.ts';
import { areIdsConfirmed, unconfirmedIds } from './confirmed-ids.ts';
import { accountsOf, type BoundPod, type StoredIdentity } from './facts.ts';
import { blocked, byHand, done, plugIn, toDo, type Plan, type Step } from './plan.ts';
import { deleteCommand, patchCommand, showCommand } from './writes.ts';

export interface WorkloadFacts {
  readonly account: ObjectName & { readonly object: unknown };
  /** The one that its pods use. */
  readonly identity: StoredIdentity;
  readonly issuer: string | undefined;
  /** Why the ServiceAccount gets no token of the identity now; undefined if it may. */
  readonly refusal: string | undefined;
  /** All live pods that use the identity. */
  readonly pods: readonly BoundPod[];
  /** The bindings of the identity. */
  readonly bindings: readonly AzureIdentityBinding[];
}

export interface WorkloadChoice {
  /** From the options; empty if not given. */
  readonly clientId: string;
  readonly resourceId: string;
  readonly isCredentialThere: boolean;
  readonly isBindingRemoved: boolean;
}

const clientAnnotation = 'azure.workload.identity/client-id';

export function toWorkloadIdentity(facts: WorkloadFacts, choice: WorkloadChoice): Plan {
  const subject = keyOf(facts.account);
  const { identity } = facts.identity;
  const spec = 'problems' in identity ? {} : identity.spec;
  return {
    name: 'to-workload-identity',
    subject,
    title: `ServiceAccount ${subject}: from NMI to workload identity`,
    steps: stepsOf(facts, spec, choice),
    notes: ['an identity has at most 20 federated credentials, one for each ServiceAccount and cluster'],
    back: 'undo the steps in reverse order: first the binding, last the credential',
  };
}

type Spec = Partial<AzureIdentity['spec']>;

function stepsOf(facts: WorkloadFacts, spec: Spec, choice: WorkloadChoice): readonly Step[] {
  const { clientID = '', resourceID = '' } = spec;
  if (clientID === '') {
    const head = { id: 'identity', title: 'the AzureIdentity of its pods states the client id' };
    const commands = [`az identity show --ids ${shellWord(resourceID)} --query clientId`];
    return [{ ...blocked(head, 'write spec.clientID into it, as Azure has it:'), commands }];
  }
  const own = facts.pods.find((pod) => keyOf(pod.account) === keyOf(facts.account));
  return [
    byHand(
      { id: 'webhook', title: "workload identity's webhook is installed" },
      'it gives pods their token. In AKS:',
      [
        'az aks update --resource-group RESOURCE-GROUP --name CLUSTER --enable-oidc-issuer --enable-workload-identity',
      ],
    ),
    credentialStep(facts, spec, choice),
    accountStep(facts, spec),
    byHand(
      { id: 'app', title: 'the app uses workload identity' },
      "its pod template has the label azure.workload.identity/use: 'true', and its SDK WorkloadIdentityCredential, which DefaultAzureCredential includes. NMI still gives it tokens if this prints lines:",
      own ? [plugIn(`logs ${shellWord(own.key)}`)] : [],
    ),
    bindingStep(facts, choice),
  ];
}

function credentialStep(facts: WorkloadFacts, spec: Spec, choice: WorkloadChoice): Step {
  const { account, issuer, refusal, identity } = facts;
  const { clientID = '', resourceID = '' } = spec;
  const head = { id: 'credential', title: 'Microsoft Entra trusts the ServiceAccount for this identity' };
  if (choice.isCredentialThere) return done(head);
  if (refusal !== undefined) return blocked(head, refusal);
  if (!areIdsConfirmed(identity, choice))
    return { ...head, ...unconfirmedIds(identity, resourceID === '' ? '--client-id' : '--resource-id') };
  const name = `${account.namespace}-${account.name}`.slice(0, 100);
  const ids = { resourceId: resourceID, clientId: clientID };
  const commands = [azCommand(credentialWords({ name, issuer, account, audience: usualAudience, ...ids }))];
  if (issuer === undefined)
    return {
      ...blocked(head, 'replace ISSUER, which you may not read, create it, then give --credential-exists:'),
      commands,
    };
  const why =
    'without it the app would be refused: create it, wait some minutes and give --credential-exists';
  return toDo({ ...head, why }, ...commands);
}

function accountStep({ account }: WorkloadFacts, { clientID = '', tenantID = '' }: Spec): Step {
  const { namespace, name, object } = account;
  const wanted = {
    [clientAnnotation]: clientID,
    ...(tenantID !== '' && { 'azure.workload.identity/tenant-id': tenantID }),
  };
  const head = { id: 'account', title: 'the ServiceAccount names the identity' };
  const annotations = mapAt(object, 'metadata.annotations');
  if (Object.entries(wanted).every(([key, value]) => annotations[key] === value)) return done(head);
  const target = { kind: clusterKinds.serviceAccounts, namespace, name };
  return toDo(head, patchCommand(target, 'metadata.annotations', wanted));
}

/** Whether the app has changed can't be seen here, so the user says when. */
function bindingStep({ account, pods, bindings }: WorkloadFacts, { isBindingRemoved }: WorkloadChoice): Step {
  const head = {
    id: 'binding',
    title: 'last, the binding is removed: NMI gives these pods no token any more',
  };
  if (bindings.length === 0) return done(head);
  const others = accountsOf(pods.filter((pod) => keyOf(pod.account) !== keyOf(account))).map(keyOf);
  // A deletion that is only printed is pasted too: not before its time, and not while others would lose their tokens.
  if (others.length > 0)
    return byHand(head, `other ServiceAccounts use the identity by its bindings: ${others.join(', ')}`);
  if (!isBindingRemoved)
    return byHand(head, 'give --remove-binding once the app gets its tokens without NMI');
  // The first prints them: the only copies after the second.
  const commands = bindings.flatMap(({ metadata: { name, namespace } }) => {
    const target = {
      kind: resources.AzureIdentityBinding,
      name,
      ...(namespace !== undefined && { namespace }),
    };
    return [showCommand(target), deleteCommand(target)];
  });
  return toDo(head, ...commands);
}
