// The judgement over what was read: causes, each with all that it concerns. Pure.
import {
  accessTargetKey,
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
  type MatchResult,
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
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import type { ClusterRead, PodRead } from '../cluster/read-cluster.ts';
import { isManaged } from '../cluster/services.ts';
import { createCauses, type Causes, type Found } from './causes.ts';
import { identityCauses, isExcepted } from './judge-identities.ts';
import { judgeServices } from './judge-services.ts';
import type { PodRow, Report, State } from './report.ts';

/** A right that the judgement asks for. */
export interface Question {
  readonly subject: { readonly namespace: string; readonly name: string };
  readonly target: AccessTarget;
}

export interface JudgeInput {
  readonly read: ClusterRead;
  readonly rules: Rules;
  readonly rightOf: (question: Question) => Right;
}

/** What to ask about rights before `judge`: of pods without a record. */
export function questionsOf(read: ClusterRead, rules: Rules): readonly Question[] {
  const matching = createMatching(read, rules);
  const recorded = recordsByPod(read);
  const questions = itemsOf(read.pods).flatMap((pod) =>
    pod.isFinished || pod.isOnHostNetwork
      ? []
      : matching
          .of(pod)
          .matches.filter(({ identity }) => recorded.get(keyOf(pod))?.has(keyOf(identity.metadata)) !== true)
          .flatMap(({ identity }) => matching.questions(pod, identity)),
  );
  return [...new Map(questions.map((question) => [questionKey(question), question])).values()];
}

export const questionKey = ({ subject, target }: Question): string =>
  `${keyOf(subject)} ${accessTargetKey(target)}`;

export function judge(input: JudgeInput): Report {
  const { read } = input;
  const causes = createCauses();
  const services = judgeServices(read, causes);
  const isRefused = identityCauses(read, causes);
  const podRows = judgePods(input, { causes, isRefused });
  const all = causes.sorted();
  return {
    causes: all,
    services,
    pods: podRows.toSorted(
      (a, b) => states.indexOf(a.state) - states.indexOf(b.state) || a.pod.localeCompare(b.pod, 'en'),
    ),
    holding: holdingOf(read, all),
    unknown: [
      ...read.services.unknown,
      ...read.agents.unknown,
      ...[read.identities, read.bindings, read.exceptions, read.records, read.pods, read.nodes].flatMap(
        unknownOf,
      ),
      ...[...read.secrets].flatMap(([key, isThere]) =>
        isThere === undefined ? [`you may not get Secret ${key}`] : [],
      ),
    ],
  };
}

const states: readonly State[] = ['problem', 'waiting', 'unknown', 'ok'];

function createMatching(read: ClusterRead, rules: Rules) {
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
    questions(pod: PodRead, identity: AzureIdentity): readonly Question[] {
      if (modeForIdentity(identity, modeOf(pod.namespace)) !== 'rbac') return [];
      const subject = { namespace: pod.namespace, name: pod.serviceAccount };
      return targetsOf(identity).targets.map((target) => ({ subject, target }));
    },
  };
}

const recordsByPod = ({ records }: ClusterRead): ReadonlyMap<string, ReadonlyMap<string, AssignedView>> =>
  new Map(
    [
      ...Map.groupBy(
        itemsOf(records),
        ({ podNamespace: namespace, podName: name }) => `${namespace}/${name}`,
      ),
    ].map(([pod, views]) => [pod, new Map(views.map((view) => [view.identity, view]))]),
  );

interface Judged {
  readonly causes: Causes;
  /** The key of the cause for which nobody gets this identity; also where a record is there, if `isAssigned`. */
  readonly isRefused: (identity: string, isAssigned: boolean) => string | undefined;
}

function judgePods({ read, rules, rightOf }: JudgeInput, { causes, isRefused }: Judged): readonly PodRow[] {
  const matching = createMatching(read, rules);
  const recorded = recordsByPod(read);
  const hosts = new Map(itemsOf(read.nodes).map((node) => [node.name, node.host && hostName(node.host)]));
  const exceptions = Map.groupBy(itemsOf(read.exceptions), ({ metadata }) => metadata.namespace ?? '');
  const hasMic = read.services.mic.length > 0 || read.services.unknown.length > 0;
  const isLacking = (list: ClusterRead['bindings' | 'identities' | 'records']) =>
    list.kind === 'not-read' && list.why === 'denied';
  const cannotTell = [read.identities, read.bindings].some(isLacking);

  /** Of which MIC says that a right is missing. */
  const granted = new Set(
    itemsOf(read.identities).flatMap(({ view, ready }) =>
      ready?.reason === 'AccessDenied' ? [view.key] : [],
    ),
  );

  const found = (pod: PodRead): readonly Found[] => {
    const key = keyOf(pod);
    if (pod.isOnHostNetwork) return [];
    if (cannotTell)
      return [
        unknownCause(
          'which bindings select pods is not known: you may not list AzureIdentities and AzureIdentityBindings',
        ),
      ];
    const { matches, mismatches } = matching.of(pod);
    const label = bindingLabelOf(pod) ?? '';
    const misses = mismatches
      .filter(({ reason }) => reason !== 'shadowed' && !(matches.length > 0 && reason === 'other-namespace'))
      .map((mismatch): Found => {
        if (mismatch.reason === 'identity-missing') return { join: `binding ${mismatch.binding ?? ''}` };
        const own = (matching.byNamespace.get(pod.namespace) ?? []).map(({ spec }) => spec.selector);
        const finding =
          mismatch.reason === 'no-binding'
            ? unboundFinding(key, { why: 'no-binding', label }, { selectors: own.filter(Boolean) })
            : explainMismatch(key, mismatch, {
                label,
                faultOf: () => undefined,
                labelsFault: undefined,
                leftOut: false,
              });
        return fromFinding(pod, finding);
      });
    const uses = matches.flatMap(({ identity }): Found[] => {
      const name = keyOf(identity.metadata);
      const record = recorded.get(key)?.get(name);
      const isAssigned = record !== undefined && (record.state === 'Assigned' || record.state === '');
      const refusal = isRefused(name, isAssigned);
      if (isAssigned) return refusal === undefined ? [] : [{ join: refusal }];
      const questions = matching.questions(pod, identity);
      const rights = questions.map(rightOf);
      if (rights.includes('refused')) {
        const subject = { namespace: pod.namespace, name: pod.serviceAccount };
        const finding = missingRightFinding({ identity: name, subject, ...targetsOf(identity) }, 'rbac');
        return [
          {
            ...fromFinding(pod, finding),
            key: `right ${keyOf(subject)} ${name}`,
            actor: 'cluster administrator',
            objects: [`ServiceAccount ${keyOf(subject)}`, `AzureIdentity ${name}`],
          },
        ];
      }
      if (refusal !== undefined) return [{ join: refusal }];
      if (rights.includes('unknown'))
        return [unknownCause('whether ServiceAccounts may use identities is not known: you may not ask')];
      // The operator attaches identities; or the service's own cause says it.
      if (!hasMic) return read.services.nmi.some(isManaged) ? [] : [{ join: 'service mic' }];
      if (isLacking(read.records))
        return [unknownCause('what MIC has assigned is not known: you may not list AzureAssignedIdentities')];
      return [granted.has(name) && questions.length > 0 ? grantedCause(name) : unassigned(pod, name, record)];
    });
    const agent = causes.has(`agent ${pod.nodeName}`) ? [{ join: `agent ${pod.nodeName}` }] : [];
    const noNmi = matches.length > 0 && causes.has('service nmi') ? [{ join: 'service nmi' }] : [];
    return [...misses, ...uses, ...(matches.length > 0 ? agent : []), ...noNmi];
  };

  return itemsOf(read.pods).flatMap((pod): PodRow[] => {
    if (pod.isFinished) return [];
    const misspelt = misspeltLabel(pod);
    if (misspelt !== undefined) causes.add(misspelt, keyOf(pod));
    const excepting = (exceptions.get(pod.namespace) ?? []).some((one) => isExcepted(pod, one));
    const isSelected = (matching.byNamespace.get(pod.namespace) ?? []).some((one) => selectsPod(one, pod));
    if (misspelt === undefined && !excepting && !isSelected && bindingLabelOf(pod) === undefined) return [];
    const named = excepting || misspelt !== undefined ? [] : found(pod);
    const own = [...(misspelt === undefined ? [] : [misspelt]), ...named].map((one) =>
      causes.add(one, keyOf(pod)),
    );
    const [worst] = own.toSorted((a, b) => states.indexOf(a.state) - states.indexOf(b.state));
    const reaches = pod.isOnHostNetwork
      ? 'is on the host network: it reaches the machine’s own identities, and NMI does not see it'
      : excepting
        ? 'an AzurePodIdentityException lets it reach the machine’s own identities'
        : '';
    return [
      {
        pod: keyOf(pod),
        serviceAccount: pod.serviceAccount,
        identities:
          reaches === '' ? matching.of(pod).matches.map(({ identity }) => keyOf(identity.metadata)) : [],
        host: hosts.get(pod.nodeName) ?? '',
        node: pod.nodeName,
        state: worst?.state ?? 'ok',
        why: worst?.text ?? reaches,
      },
    ];
  });
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

function holdingOf(read: ClusterRead, causes: Report['causes']): readonly string[] {
  const isClear = (prefix: string) => !causes.some(({ key }) => key.startsWith(prefix));
  const checks: readonly (readonly [isKnown: boolean, prefix: string, words: string])[] = [
    [read.services.unknown.length === 0, 'service', 'the services are there and ready'],
    [read.agents.unknown.length === 0, 'agent', 'NMI is ready where pods need it'],
    [read.nodes.kind === 'read', 'taint', 'no start-up taint is left'],
    [read.identities.kind === 'read', 'identity', 'MIC has no complaint about an AzureIdentity'],
    [read.bindings.kind === 'read', 'binding', 'each AzureIdentityBinding names an AzureIdentity'],
    [![...read.secrets.values()].includes(undefined), 'secret', 'each Secret that an identity names exists'],
    [read.exceptions.kind === 'read', 'exception', 'no exception matches the pods of a whole team'],
    [read.pods.kind === 'read', 'label', 'no label key is nearly right'],
    [read.pods.kind === 'read', 'right', 'ServiceAccounts have the rights that their pods need'],
    [read.records.kind === 'read', 'unassigned', 'each identity is assigned'],
    [
      read.identities.kind === 'read' || read.identities.why !== 'absent',
      'definition',
      'the definitions are installed',
    ],
  ];
  return checks.flatMap(([isKnown, prefix, words]) => (isKnown && isClear(prefix) ? [words] : []));
}
