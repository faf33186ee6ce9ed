// From NMI to workload identity, for one ServiceAccount: its app gets tokens from Entra itself, without NMI.
import { resources, type AzureIdentity, type AzureIdentityBinding } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import { shellWord } from '@pod-identity/policy';
import { isGiven, unattested } from './attested.ts';
import { azCommand, credentialWords } from './credential.ts';
import { plugIn, type Plan, type Step } from './plan.ts';
import { accountKey, type IdentitySight, type Issuer, type PodSight } from './sight.ts';
import {
  applyCommand,
  basisOf,
  commandsOf,
  fieldAt,
  patchCommand,
  type Target,
  type Write,
} from './writes.ts';

export interface WorkloadSight {
  readonly account: { readonly namespace: string; readonly name: string; readonly object: unknown };
  /** The one that its pods use. */
  readonly identity: IdentitySight;
  readonly issuer: Issuer;
  /** Undefined: the user may not list MutatingWebhookConfigurations. */
  readonly hasWebhook: boolean | undefined;
  /** Deployments, StatefulSets and DaemonSets of the ServiceAccount, as stored. */
  readonly workloads: readonly { readonly target: Target; readonly object: unknown }[];
  /** Why the ServiceAccount gets no token of the identity now; undefined if it may. */
  readonly refusal: string | undefined;
  /** All live pods that use the identity. */
  readonly pods: readonly PodSight[];
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
const useLabel = { 'azure.workload.identity/use': 'true' };

export function toWorkloadIdentity(sight: WorkloadSight, choice: WorkloadChoice): Plan {
  const { namespace, name } = sight.account;
  const subject = `${namespace}/${name}`;
  return {
    name: 'to-workload-identity',
    subject,
    title: `ServiceAccount ${subject}: from NMI to workload identity`,
    steps: stepsOf(sight, choice),
    notes: [
      'an identity has at most 20 federated credentials, and workload identity needs one for each ServiceAccount and cluster',
      'pods without a Deployment, StatefulSet or DaemonSet, and Jobs: write the label into their own manifests',
    ],
    back: 'undo the steps in reverse order: first the binding, last the credential',
  };
}

function stepsOf(sight: WorkloadSight, choice: WorkloadChoice): readonly Step[] {
  const { identity: seen } = sight;
  const {
    clientID = '',
    tenantID = '',
    resourceID = '',
  }: Partial<AzureIdentity['spec']> = 'problems' in seen.identity ? {} : seen.identity.spec;
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
  return [
    webhookStep(sight),
    credentialStep(sight, { clientID, resourceID }, choice),
    accountStep(sight, { clientID, tenantID }),
    labelStep(sight),
    {
      id: 'app',
      title: 'the app uses workload identity',
      state: 'by hand',
      why: 'its SDK must have WorkloadIdentityCredential, which DefaultAzureCredential includes; an app with ManagedIdentityCredential goes on at NMI until it is changed. NMI still gives tokens if this prints lines:',
      commands: sight.pods
        .filter(({ account }) => accountKey(account) === accountKey(sight.account))
        .slice(0, 1)
        .map(({ key }) => plugIn(`logs ${shellWord(key)}`)),
    },
    bindingStep(sight, choice),
  ];
}

function webhookStep({ hasWebhook }: WorkloadSight): Step {
  const title = "workload identity's webhook is installed, which gives pods their token";
  if (hasWebhook === true) return { id: 'webhook', title, state: 'done' };
  return {
    id: 'webhook',
    title,
    state: hasWebhook === undefined ? 'by hand' : 'blocked',
    why:
      hasWebhook === undefined
        ? 'you may not list MutatingWebhookConfigurations: look with somebody who may'
        : 'not found. In AKS:',
    commands: [
      'az aks update --resource-group RESOURCE-GROUP --name CLUSTER --enable-oidc-issuer --enable-workload-identity',
    ],
  };
}

interface Ids {
  readonly clientID: string;
  readonly resourceID: string;
}

function credentialStep(sight: WorkloadSight, ids: Ids, choice: WorkloadChoice): Step {
  const { account, issuer, refusal } = sight;
  const { clientID, resourceID } = ids;
  const title = 'Microsoft Entra trusts the ServiceAccount for this identity';
  if (choice.isCredentialThere) return { id: 'credential', title, state: 'done' };
  if (refusal !== undefined) return { id: 'credential', title, state: 'blocked', why: refusal };
  if (!isGiven(sight.identity, choice))
    return {
      id: 'credential',
      title,
      ...unattested(sight.identity, resourceID === '' ? '--client-id' : '--resource-id'),
    };
  const az = credentialWords({
    name: `${account.namespace}-${account.name}`.slice(0, 100),
    issuer,
    subject: `system:serviceaccount:${account.namespace}:${account.name}`,
    audience: 'api://AzureADTokenExchange',
    resourceId: resourceID,
    clientId: clientID,
  });
  const step = { id: 'credential', title, commands: [azCommand(az)] };
  if (issuer === undefined)
    return {
      ...step,
      state: 'blocked',
      why: 'replace ISSUER, create it, then give --credential-exists: you may not read the issuer of the cluster',
    };
  const why =
    'without it the app would be refused after the next step: give --run-az, or create it, wait some minutes and give --credential-exists';
  return { ...step, state: 'to do', why, action: { kind: 'run-az', az } };
}

function accountStep(
  { account }: WorkloadSight,
  ids: { readonly clientID: string; readonly tenantID: string },
): Step {
  const target: Target = {
    kind: clusterKinds.serviceAccounts,
    namespace: account.namespace,
    name: account.name,
  };
  const annotations = {
    [clientAnnotation]: ids.clientID,
    ...(ids.tenantID !== '' && { [tenantAnnotation]: ids.tenantID }),
  };
  const before = (fieldAt(account.object, 'metadata.annotations') ?? {}) as Readonly<Record<string, unknown>>;
  const title = 'the ServiceAccount names the identity';
  if (Object.entries(annotations).every(([key, value]) => before[key] === value))
    return { id: 'account', title, state: 'done' };
  const writes: Write[] = [
    {
      verb: 'patch',
      target,
      basis: basisOf(account.object, ['metadata.annotations']),
      patch: { metadata: { annotations } },
    },
  ];
  const undone = Object.fromEntries(Object.keys(annotations).map((key) => [key, before[key] ?? null]));
  return {
    id: 'account',
    title,
    state: 'to do',
    commands: commandsOf(writes),
    back: [patchCommand(target, { metadata: { annotations: undone } })],
    action: { kind: 'write', writes },
  };
}

/** A change of the template rolls the pods. */
function labelStep({ workloads }: WorkloadSight): Step {
  const title = 'its pods have the label of workload identity; they are replaced, one after the other';
  const left = workloads.filter(({ object }) => !isLabelled(object));
  if (left.length === 0) return { id: 'label', title, state: 'done' };
  const patch = (value: object) => ({ spec: { template: { metadata: { labels: value } } } });
  const writes = left.map(({ target, object }): Write => ({
    verb: 'patch',
    target,
    basis: basisOf(object, ['spec.template']),
    patch: patch(useLabel),
  }));
  const none = Object.fromEntries(Object.keys(useLabel).map((key) => [key, null]));
  return {
    id: 'label',
    title,
    state: 'to do',
    why: left.map(({ target }) => `${target.kind.kind} ${target.name}`).join(', '),
    commands: commandsOf(writes),
    back: left.map(({ target }) => patchCommand(target, patch(none))),
    action: { kind: 'write', writes },
  };
}

function isLabelled(object: unknown): boolean {
  const labels = (fieldAt(object, 'spec.template.metadata.labels') ?? {}) as Readonly<
    Record<string, unknown>
  >;
  return Object.entries(useLabel).every(([key, value]) => labels[key] === value);
}

/** Whether the app has changed can't be seen here, so the user says when. */
function bindingStep(
  { account, identity, pods, bindings }: WorkloadSight,
  { isBindingRemoved }: WorkloadChoice,
): Step {
  const title = 'last, the binding is removed: NMI gives these pods no token any more';
  if (bindings.length === 0) return { id: 'binding', title, state: 'done' };
  const others = [...new Set(pods.map((pod) => accountKey(pod.account)))].filter(
    (key) => key !== accountKey(account),
  );
  const { namespace = '' } = identity.target;
  const writes = bindings.map(({ metadata, spec }): Write => ({
    verb: 'delete',
    target: { kind: resources.AzureIdentityBinding, namespace, name: metadata.name },
    basis: { uid: metadata.uid ?? '', fields: { 'spec.azureIdentity': spec.azureIdentity } },
  }));
  const step = {
    id: 'binding',
    title,
    commands: commandsOf(writes),
    back: [
      applyCommand(
        bindings.map(({ apiVersion, kind, metadata, spec }) => ({
          apiVersion,
          kind,
          metadata: { name: metadata.name, namespace, annotations: metadata.annotations },
          spec,
        })),
      ),
    ],
  };
  if (others.length > 0)
    return {
      ...step,
      state: 'by hand',
      why: `other ServiceAccounts use the identity by its bindings: ${others.join(', ')}`,
    };
  if (!isBindingRemoved)
    return {
      ...step,
      state: 'by hand',
      why: 'give --remove-binding once the app gets its tokens without NMI',
    };
  return { ...step, state: 'to do', action: { kind: 'write', writes } };
}
