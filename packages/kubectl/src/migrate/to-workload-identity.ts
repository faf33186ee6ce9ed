// From NMI to workload identity, for one ServiceAccount: its app gets tokens from Entra itself, without NMI.
import type { AzureIdentity, AzureIdentityBinding } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { azCommand, shellWord } from '@pod-identity/policy';
import { credentialWords, usualAudience } from '../cluster/credential.ts';
import { fieldAt, keyOf, type ObjectName } from '../cluster/fields.ts';
import { areIdsConfirmed, unconfirmedIds } from './confirmed-ids.ts';
import { blocked, byHand, done, plugIn, writeStep, type Plan, type Step } from './plan.ts';
import { accountsOf, type StoredIdentity, type Issuer, type BoundPod } from './facts.ts';
import { applyCommand, deleteOf, isInEffect, patchOf, type Target } from './writes.ts';

export interface WorkloadFacts {
  readonly account: ObjectName & { readonly object: unknown };
  /** The one that its pods use. */
  readonly identity: StoredIdentity;
  readonly issuer: Issuer;
  /** Undefined: the user may not list MutatingWebhookConfigurations. */
  readonly hasWebhook: boolean | undefined;
  /** Deployments, StatefulSets and DaemonSets of the ServiceAccount, as stored. */
  readonly workloads: readonly { readonly target: Target; readonly object: unknown }[];
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
  /** `--credential-exists` */
  readonly isCredentialThere: boolean;
  /** `--remove-binding` */
  readonly isBindingRemoved: boolean;
}

export const clientAnnotation = 'azure.workload.identity/client-id';
const tenantAnnotation = 'azure.workload.identity/tenant-id';

export function toWorkloadIdentity(facts: WorkloadFacts, choice: WorkloadChoice): Plan {
  const subject = keyOf(facts.account);
  return {
    name: 'to-workload-identity',
    subject,
    title: `ServiceAccount ${subject}: from NMI to workload identity`,
    steps: stepsOf(facts, choice),
    notes: [
      'an identity has at most 20 federated credentials, and workload identity needs one for each ServiceAccount and cluster',
      'pods without a Deployment, StatefulSet or DaemonSet, and Jobs: write the label into their own manifests',
    ],
    back: 'undo the steps in reverse order: first the binding, last the credential',
  };
}

type Spec = Partial<AzureIdentity['spec']>;

function stepsOf(facts: WorkloadFacts, choice: WorkloadChoice): readonly Step[] {
  const { identity: seen } = facts;
  const spec: Spec = 'problems' in seen.identity ? {} : seen.identity.spec;
  const { clientID = '', resourceID = '' } = spec;
  if (clientID === '') {
    const head = { id: 'identity', title: 'the AzureIdentity of its pods states the client id' };
    const commands = [`az identity show --ids ${shellWord(resourceID)} --query clientId`];
    return [{ ...blocked(head, 'write spec.clientID into it, as Azure has it:'), commands }];
  }
  return [
    webhookStep(facts),
    credentialStep(facts, spec, choice),
    accountStep(facts, spec),
    labelStep(facts),
    appStep(facts),
    bindingStep(facts, choice),
  ];
}

function webhookStep({ hasWebhook }: WorkloadFacts): Step {
  const head = {
    id: 'webhook',
    title: "workload identity's webhook is installed, which gives pods their token",
  };
  if (hasWebhook === true) return done(head);
  const [state, why] =
    hasWebhook === undefined
      ? (['by hand', 'you may not list MutatingWebhookConfigurations: look with somebody who may'] as const)
      : (['blocked', 'not found. In AKS:'] as const);
  const enable =
    'az aks update --resource-group RESOURCE-GROUP --name CLUSTER --enable-oidc-issuer --enable-workload-identity';
  return { ...head, state, why, commands: [enable] };
}

function credentialStep(facts: WorkloadFacts, spec: Spec, choice: WorkloadChoice): Step {
  const { account, issuer, refusal, identity } = facts;
  const { clientID = '', resourceID = '' } = spec;
  const head = { id: 'credential', title: 'Microsoft Entra trusts the ServiceAccount for this identity' };
  if (choice.isCredentialThere) return done(head);
  if (refusal !== undefined) return blocked(head, refusal);
  if (!areIdsConfirmed(identity, choice))
    return { ...head, ...unconfirmedIds(identity, resourceID === '' ? '--client-id' : '--resource-id') };
  const az = credentialWords({
    name: `${account.namespace}-${account.name}`.slice(0, 100),
    issuer,
    account,
    audience: usualAudience,
    resourceId: resourceID,
    clientId: clientID,
  });
  const commands = [azCommand(az)];
  if (issuer === undefined)
    return {
      ...blocked(
        head,
        'replace ISSUER, create it, then give --credential-exists: you may not read the issuer of the cluster',
      ),
      commands,
    };
  const why =
    'without it the app would be refused after the next step: create it, wait some minutes and give --credential-exists';
  return { ...head, state: 'to do', why, commands };
}

function accountStep({ account }: WorkloadFacts, { clientID, tenantID = '' }: Spec): Step {
  const { namespace, name, object } = account;
  const wanted = { [clientAnnotation]: clientID, ...(tenantID !== '' && { [tenantAnnotation]: tenantID }) };
  const head = { id: 'account', title: 'the ServiceAccount names the identity' };
  if (isInEffect(fieldAt(object, 'metadata.annotations'), wanted)) return done(head);
  const target: Target = { kind: clusterKinds.serviceAccounts, namespace, name };
  return writeStep(head, [patchOf({ target, object }, 'metadata.annotations', wanted)]);
}

/** A change of the template rolls the pods. */
function labelStep({ workloads }: WorkloadFacts): Step {
  const head = {
    id: 'label',
    title: 'its pods have the label of workload identity; they are replaced, one after the other',
  };
  const labels = { 'azure.workload.identity/use': 'true' };
  const left = workloads.filter(
    ({ object }) => !isInEffect(fieldAt(object, 'spec.template.metadata.labels'), labels),
  );
  if (left.length === 0) return done(head);
  return writeStep(
    { ...head, why: left.map(({ target }) => `${target.kind.kind} ${target.name}`).join(', ') },
    left.map(({ target, object }) => patchOf({ target, object }, 'spec.template', { metadata: { labels } })),
  );
}

function appStep({ pods, account }: WorkloadFacts): Step {
  const own = pods.find((pod) => keyOf(pod.account) === keyOf(account));
  return {
    id: 'app',
    title: 'the app uses workload identity',
    state: 'by hand',
    why: 'its SDK must have WorkloadIdentityCredential, which DefaultAzureCredential includes; an app with ManagedIdentityCredential goes on at NMI until it is changed. NMI still gives tokens if this prints lines:',
    commands: own ? [plugIn(`logs ${shellWord(own.key)}`)] : [],
  };
}

/** Whether the app has changed can't be seen here, so the user says when. */
function bindingStep({ account, pods, bindings }: WorkloadFacts, { isBindingRemoved }: WorkloadChoice): Step {
  const head = {
    id: 'binding',
    title: 'last, the binding is removed: NMI gives these pods no token any more',
  };
  if (bindings.length === 0) return done(head);
  const others = accountsOf(pods)
    .map(keyOf)
    .filter((key) => key !== keyOf(account));
  // A deletion that is only printed is pasted too: not before its time, and not while others would lose their tokens.
  if (others.length > 0)
    return byHand(head, `other ServiceAccounts use the identity by its bindings: ${others.join(', ')}`);
  if (!isBindingRemoved)
    return byHand(head, 'give --remove-binding once the app gets its tokens without NMI');
  const back = bindings.map(({ apiVersion, kind, metadata: { name, namespace, annotations }, spec }) => ({
    apiVersion,
    kind,
    metadata: { name, namespace, annotations },
    spec,
  }));
  return writeStep({ ...head, back: [applyCommand(back)] }, bindings.map(deleteOf));
}
