// What each pod waits for, and why.
import {
  bindingLabel,
  bindingLabelOf,
  bindingsAmong,
  hostName,
  matchingRulesIn,
  matchPod,
  selectsPod,
  strictestMode,
  type AccessTarget,
  type AzureIdentity,
  type AzurePodIdentityException,
  type MatchResult,
  type Mismatch,
} from '@pod-identity/crd-types';
import { nearest } from '@pod-identity/kit/core';
import {
  explainMismatch,
  missingRightFinding,
  modeForIdentity,
  shellWord,
  targetsOf,
  unboundFinding,
  type Finding,
  type Remedy,
} from '@pod-identity/policy';
import type { Rules } from '../access/modes.ts';
import type { Right } from '../access/verdicts.ts';
import type { AssignedView } from '../../../mic/src/commands/plug-in.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf } from '../cluster/lists.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { isManaged } from '../cluster/services.ts';
import type { Causes, Found } from './causes.ts';
import { isExcepted } from './judge-identities.ts';
import type { PodRow, State } from './report.ts';

export function createMatching(read: ClusterRead, rules: Rules) {
  const identities = new Map(
    itemsOf(read.identities).flatMap(({ view }) =>
      view.kind === 'valid' ? [[view.key, view.identity] as const] : [],
    ),
  );
  const bindings = itemsOf(read.bindings).flatMap(({ view }) =>
    view.kind === 'valid' ? [view.binding] : [],
  );
  const bySelector = Map.groupBy(bindings, ({ spec }) => spec.selector);
  const byNamespace = Map.groupBy(bindings, ({ metadata }) => metadata.namespace ?? '');
  const namespaces = new Map(itemsOf(read.namespaces).map((view) => [view.name, view]));
  const modeOf = (namespace: string) => strictestMode(rules.mode, namespaces.get(namespace)?.access);
  return {
    bindings,
    byNamespace,
    modeOf,
    of: (pod: PodRead): MatchResult =>
      matchPod({
        ...bindingsAmong(byNamespace.get(pod.namespace) ?? []),
        bindingsWithSelector: (value) => bySelector.get(value) ?? [],
        pod,
        identityOf: (namespace, name) => identities.get(`${namespace}/${name}`),
        namespaceLabels: namespaces.get(pod.namespace)?.labels,
        rules: matchingRulesIn(modeOf(pod.namespace), { forceNamespaced: rules.forceNamespaced }),
      }),
    /** None where rights don't decide. */
    requests(pod: PodRead, identity: AzureIdentity): readonly RightRequest[] {
      if (modeForIdentity(identity, modeOf(pod.namespace)) !== 'rbac') return [];
      const subject = { namespace: pod.namespace, name: pod.serviceAccount };
      return targetsOf(identity).targets.map((target) => ({ subject, target }));
    },
  };
}

export const recordsByPod = ({
  records,
}: ClusterRead): ReadonlyMap<string, ReadonlyMap<string, AssignedView>> =>
  new Map(
    [
      ...Map.groupBy(
        itemsOf(records),
        ({ podNamespace: namespace, podName: name }) => `${namespace}/${name}`,
      ),
    ].map(([pod, views]) => [pod, new Map(views.map((view) => [view.identity, view]))]),
  );

/** A right that the judgement asks for. */
export interface RightRequest {
  readonly subject: { readonly namespace: string; readonly name: string };
  readonly target: AccessTarget;
}

export const states: readonly State[] = ['problem', 'waiting', 'unknown', 'ok'];

export interface Judged {
  readonly read: ClusterRead;
  readonly rules: Rules;
  readonly rightOf: (request: RightRequest) => Right;
  readonly causes: Causes;
  /** The key of the cause for which nobody gets this identity; also where a record is there, if `isAssigned`. */
  readonly isRefused: (identity: string, isAssigned: boolean) => string | undefined;
}

type Matching = ReturnType<typeof createMatching>;

interface World extends Judged {
  readonly matching: Matching;
  readonly recorded: ReturnType<typeof recordsByPod>;
  readonly hosts: ReadonlyMap<string, string | undefined>;
  /** Of which MIC says that a right is missing. */
  readonly granted: ReadonlySet<string>;
  readonly exceptions: ReadonlyMap<string, readonly AzurePodIdentityException[]>;
}

const isDenied = (list: ClusterRead['bindings' | 'identities' | 'records']) =>
  list.kind === 'not-read' && list.why === 'denied';

export function judgePods(judged: Judged): readonly PodRow[] {
  const { read, rules } = judged;
  const world: World = {
    ...judged,
    matching: createMatching(read, rules),
    recorded: recordsByPod(read),
    hosts: new Map(itemsOf(read.nodes).map((node) => [node.name, node.host && hostName(node.host)])),
    granted: new Set(
      itemsOf(read.identities).flatMap(({ view, ready }) =>
        ready?.reason === 'AccessDenied' ? [view.key] : [],
      ),
    ),
    exceptions: Map.groupBy(itemsOf(read.exceptions), ({ metadata }) => metadata.namespace ?? ''),
  };
  return itemsOf(read.pods)
    .filter(({ isFinished }) => !isFinished)
    .flatMap((pod) => rowOf(pod, world));
}

function rowOf(pod: PodRead, world: World): readonly PodRow[] {
  const { matching, causes, hosts, exceptions } = world;
  const misspelt = misspeltLabel(pod);
  const isExempt = (exceptions.get(pod.namespace) ?? []).some((one) => isExcepted(pod, one));
  const isSelected = (matching.byNamespace.get(pod.namespace) ?? []).some((one) => selectsPod(one, pod));
  const isMeant = isExempt || isSelected || bindingLabelOf(pod) !== undefined;
  if (misspelt === undefined && !isMeant) return [];
  const reaches = reachOf(pod, isExempt);
  const found = reaches === '' ? (misspelt === undefined ? foundFor(pod, world) : [misspelt]) : [];
  const [worst] = found
    .map((one) => causes.add(one, keyOf(pod)))
    .toSorted((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
  const matches = reaches === '' ? matching.of(pod).matches : [];
  const { state, text } = worst ?? { state: 'ok', text: reaches };
  return [
    {
      pod: keyOf(pod),
      serviceAccount: pod.serviceAccount,
      identities: matches.map(({ identity }) => keyOf(identity.metadata)),
      bindings: matches.map(({ binding }) => keyOf(binding.metadata)),
      host: hosts.get(pod.nodeName) ?? '',
      node: pod.nodeName,
      state,
      why: text,
    },
  ];
}

function reachOf({ isOnHostNetwork }: PodRead, isExempt: boolean): string {
  if (isOnHostNetwork)
    return 'is on the host network: it reaches the machine’s own identities, and NMI does not see it';
  return isExempt ? 'an AzurePodIdentityException lets it reach the machine’s own identities' : '';
}

function foundFor(pod: PodRead, world: World): readonly Found[] {
  const { matching, read, causes } = world;
  if (isDenied(read.identities) || isDenied(read.bindings)) return [unknownCause(noBindings)];
  const { matches, mismatches } = matching.of(pod);
  const misses = mismatches
    .filter(({ reason }) => reason !== 'shadowed' && !(matches.length > 0 && reason === 'other-namespace'))
    .map((mismatch) => missOf(pod, mismatch, matching));
  if (matches.length === 0) return misses;
  const services = [`agent ${pod.nodeName}`, 'service nmi'].filter((key) => causes.has(key));
  return [
    ...misses,
    ...matches.flatMap(({ identity }) => useOf(pod, identity, world)),
    ...services.map((join) => ({ join })),
  ];
}

const noBindings =
  'which bindings select pods is not known: you may not list AzureIdentities and AzureIdentityBindings';

function missOf(pod: PodRead, mismatch: Mismatch, { byNamespace }: Matching): Found {
  if (mismatch.reason === 'identity-missing') return { join: `binding ${mismatch.binding ?? ''}` };
  const label = bindingLabelOf(pod) ?? '';
  const own = (byNamespace.get(pod.namespace) ?? []).map(({ spec }) => spec.selector);
  const known = { label, faultOf: () => undefined, labelsFault: undefined, leftOut: false };
  const finding =
    mismatch.reason === 'no-binding'
      ? unboundFinding(keyOf(pod), { why: 'no-binding', label }, { selectors: own.filter(Boolean) })
      : explainMismatch(keyOf(pod), mismatch, known);
  return fromFinding(pod, finding);
}

function useOf(pod: PodRead, identity: AzureIdentity, world: World): readonly Found[] {
  const name = keyOf(identity.metadata);
  const record = world.recorded.get(keyOf(pod))?.get(name);
  const isAssigned = record !== undefined && (record.state === 'Assigned' || record.state === '');
  const refusal = world.isRefused(name, isAssigned);
  if (isAssigned) return refusal === undefined ? [] : [{ join: refusal }];
  const rights = world.matching.requests(pod, identity).map(world.rightOf);
  if (rights.includes('refused')) return [rightless(pod, identity)];
  if (refusal !== undefined) return [{ join: refusal }];
  if (rights.includes('unknown'))
    return [unknownCause('whether ServiceAccounts may use identities is not known: you may not ask')];
  if (rights.length > 0 && world.granted.has(name)) return [grantedCause(name)];
  return unrecorded({ pod, name, record }, world.read);
}

interface Unrecorded {
  readonly pod: PodRead;
  readonly name: string;
  readonly record: AssignedView | undefined;
}

function unrecorded({ pod, name, record }: Unrecorded, { services, records }: ClusterRead): readonly Found[] {
  // The operator attaches identities; or the cause of the service says it.
  if (services.mic.length === 0 && services.unknown.length === 0)
    return services.nmi.length === 0 || services.nmi.some(isManaged) ? [] : [{ join: 'service mic' }];
  return isDenied(records)
    ? [unknownCause('what MIC has assigned is not known: you may not list AzureAssignedIdentities')]
    : [unassigned(pod, name, record)];
}

function rightless(pod: PodRead, identity: AzureIdentity): Found {
  const [subject, name] = [{ namespace: pod.namespace, name: pod.serviceAccount }, keyOf(identity.metadata)];
  const { text, remedy } = missingRightFinding({ identity: name, subject, ...targetsOf(identity) }, 'rbac');
  return {
    key: `right ${keyOf(subject)} ${name}`,
    state: 'problem',
    text,
    actor: 'cluster administrator',
    objects: [`ServiceAccount ${keyOf(subject)}`, `AzureIdentity ${name}`],
    remedy,
  };
}

const unknownCause = (text: string): Found => ({
  key: text,
  state: 'unknown',
  text,
  actor: 'cluster administrator',
  objects: [],
  remedy: {
    text: 'an administrator can allow it: the ClusterRole aad-pod-id-view-role has what viewers need',
  },
});

/** One cause for all pods of the namespace that it concerns in the same way. */
const fromFinding = (pod: PodRead, { text, remedy }: Finding): Found => ({
  key: `${pod.namespace} ${text}`,
  state: 'problem',
  text: `${text.replaceAll('the pod', 'pods')} (namespace ${pod.namespace})`,
  actor: 'editor of the namespace',
  objects: [],
  remedy,
});

const grantedCause = (identity: string): Found => ({
  key: `unassigned granted ${identity}`,
  state: 'waiting',
  text: `the right to use AzureIdentity ${identity} is granted; MIC looks again within 5 minutes`,
  actor: 'nobody',
  objects: [`AzureIdentity ${identity}`],
  remedy: undefined,
});

function unassigned(pod: PodRead, identity: string, record: AssignedView | undefined): Found {
  const text =
    pod.nodeName === ''
      ? `pods that may act as AzureIdentity ${identity} have no node yet`
      : record === undefined
        ? `MIC has not assigned AzureIdentity ${identity} yet`
        : `AzureIdentity ${identity} is ${record.state || 'Created'}, not yet Assigned`;
  return {
    key: `unassigned ${text}`,
    state: 'waiting',
    text,
    actor: 'nobody',
    objects: [`AzureIdentity ${identity}`],
    remedy: undefined,
  };
}

function misspeltLabel(pod: PodRead): Found | undefined {
  if (bindingLabelOf(pod) !== undefined) return undefined;
  const keys = Object.keys(pod.labels);
  const key =
    keys.find((label) => nearMisses.has(label.toLowerCase())) ??
    keys.find((label) => nearest(label, [bindingLabel]) !== undefined);
  if (key === undefined) return undefined;
  const value = pod.labels[key] ?? '';
  const command = `kubectl label pod ${pod.name} --namespace ${pod.namespace} ${shellWord(`${bindingLabel}=${value}`)} ${shellWord(key)}-`;
  return {
    key: `label ${pod.namespace} ${key}`,
    state: 'problem',
    text: `pods of namespace ${pod.namespace} have the label ${key}, and ${bindingLabel} is probably meant`,
    actor: 'editor of the namespace',
    objects: [],
    remedy: { text: 'correct it, in the template of the pods too', command } satisfies Remedy,
  };
}

/** Kinds of the group, and what the project is called: more than a letter off. */
const nearMisses: ReadonlySet<string> = new Set([
  'aadpodidentitybinding',
  'aadpodidentity',
  'aad-pod-identity-binding',
  'aad-pod-id-binding',
  'podidentitybinding',
]);
