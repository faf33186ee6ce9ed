// From NMI to workload identity, for one ServiceAccount: its app gets tokens from Entra itself, without NMI.
import { resources, type AzureIdentityBinding } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { azCommand, inPlugIn, shellWord } from '@pod-identity/policy';
import { credentialWords, usualAudience } from '../cluster/credential.ts';
import { keyOf, mapAt, type ObjectName } from '../cluster/fields.ts';
import { areIdsConfirmed, unconfirmedIds } from './confirmed-ids.ts';
import { commandOn, patchCommand, type Given, type Plan, type Step } from './plan.ts';
import type { BoundPod, StoredIdentity } from './read-facts.ts';

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

type Choice = Omit<Given, 'tenant'>;

export function toWorkloadIdentity(facts: WorkloadFacts, choice: Choice): Plan {
  return {
    title: `ServiceAccount ${keyOf(facts.account)}: from NMI to workload identity`,
    steps: stepsOf(facts, choice),
    notes: ['an identity has at most 20 federated credentials, one for each ServiceAccount and cluster'],
    back: 'undo the steps in reverse order: first the binding, last the credential',
  };
}

function stepsOf(facts: WorkloadFacts, choice: Choice): readonly Step[] {
  const { clientID, resourceID } = facts.identity.spec;
  if (clientID === '')
    return [
      {
        id: 'identity',
        title: 'the AzureIdentity of its pods states the client id',
        state: 'blocked',
        why: 'write spec.clientID into it, as Azure has it:',
        commands: [`az identity show --ids ${shellWord(resourceID)} --query clientId`],
      },
    ];
  const own = facts.pods.find((pod) => keyOf(pod.account) === keyOf(facts.account));
  return [
    {
      id: 'webhook',
      title: "workload identity's webhook is installed",
      state: 'by hand',
      why: 'it gives pods their token. In AKS:',
      commands: [
        'az aks update --resource-group RESOURCE-GROUP --name CLUSTER --enable-oidc-issuer --enable-workload-identity',
      ],
    },
    credentialStep(facts, choice),
    accountStep(facts),
    {
      id: 'app',
      title: 'the app uses workload identity',
      state: 'by hand',
      why: "its pod template has the label azure.workload.identity/use: 'true', and its SDK WorkloadIdentityCredential, which DefaultAzureCredential includes. NMI still gives it tokens if this prints lines:",
      commands: own ? [inPlugIn(`logs ${shellWord(own.key)}`)] : [],
    },
    bindingStep(facts, choice),
  ];
}

function credentialStep({ account, issuer, refusal, identity }: WorkloadFacts, choice: Choice): Step {
  const { clientID: clientId, resourceID: resourceId } = identity.spec;
  const head = { id: 'credential', title: 'Microsoft Entra trusts the ServiceAccount for this identity' };
  if (choice.isCredentialThere) return { ...head, state: 'done' };
  if (refusal !== undefined) return { ...head, state: 'blocked', why: refusal };
  if (!areIdsConfirmed(identity, choice))
    return { ...head, ...unconfirmedIds(identity, resourceId === '' ? '--client-id' : '--resource-id') };
  const name = `${account.namespace}-${account.name}`.slice(0, 100);
  const words = credentialWords({ name, issuer, account, audience: usualAudience, resourceId, clientId });
  const why =
    issuer === undefined
      ? 'replace ISSUER, which you may not read, create it, then give --credential-exists:'
      : 'without it the app would be refused: create it, wait some minutes and give --credential-exists';
  return { ...head, state: issuer === undefined ? 'blocked' : 'to do', why, commands: [azCommand(words)] };
}

function accountStep({ account, identity }: WorkloadFacts): Step {
  const { namespace, name, object } = account;
  const { clientID, tenantID } = identity.spec;
  const annotations = {
    'azure.workload.identity/client-id': clientID,
    ...(tenantID !== '' && { 'azure.workload.identity/tenant-id': tenantID }),
  };
  const seen = mapAt(object, 'metadata.annotations');
  const isNamed = Object.entries(annotations).every(([key, value]) => seen[key] === value);
  const target = { kind: clusterKinds.serviceAccounts, namespace, name };
  return {
    id: 'account',
    title: 'the ServiceAccount names the identity',
    state: isNamed ? 'done' : 'to do',
    commands: [patchCommand(target, { metadata: { annotations } })],
  };
}

/** Whether the app has changed can't be seen here, so the user says when. */
function bindingStep({ account, pods, bindings }: WorkloadFacts, { isBindingRemoved }: Choice): Step {
  const head = {
    id: 'binding',
    title: 'last, the binding is removed: NMI gives these pods no token any more',
  };
  if (bindings.length === 0) return { ...head, state: 'done' };
  const users = new Set(pods.map((pod) => keyOf(pod.account)));
  users.delete(keyOf(account));
  const others = [...users].join(', ');
  // A deletion that is only printed is pasted too: not before its time, and not while others would lose their tokens.
  const why = others
    ? `other ServiceAccounts use the identity by its bindings: ${others}`
    : 'give --remove-binding once the app gets its tokens without NMI';
  if (others || !isBindingRemoved) return { ...head, state: 'by hand', why };
  // The first prints them: the only copies after the second.
  const commands = bindings.flatMap(({ metadata: { name, namespace } }) => {
    const target = { kind: resources.AzureIdentityBinding, name, namespace: namespace ?? '' };
    return [commandOn(target, 'get', '-o yaml'), commandOn(target, 'delete')];
  });
  return { ...head, state: 'to do', commands };
}
