import {
  bindingLabel,
  failedCondition,
  matchingRulesIn,
  matchPod,
  reachOf,
  type Match,
  type Mismatch,
  type MatchingRules,
  type ObjectMeta,
} from '@pod-identity/crd-types';
import {
  copiesFor,
  doubtful,
  explainMatch,
  explainMismatch,
  info,
  invalidFinding,
  kindInWords,
  machineRightFinding,
  missingRightFinding,
  ok,
  problem,
  type Finding,
  type Lookup,
  type UnboundContext,
} from '@pod-identity/policy';
import type { AccessResult } from '../access/judge.ts';
import type { Access } from '../access/types.ts';
import { accessModeOf } from '../authorize/access-needed.ts';
import { deciderFor, knownOf } from '../authorize/authorize.ts';
import { objectsOf } from '../authorize/candidates.ts';
import { exemptionOf, invalidExceptionFor, type Exemption } from '../authorize/exception.ts';
import { exemptionName } from '../authorize/missing-right.ts';
import type { Decision } from '../authorize/types.ts';
import type { Selector } from '../request/token-request.ts';
import { explainInvalidException } from '../respond/refusal-texts.ts';
import { explainAccess } from './explain-access.ts';
import type { ExplainWorld } from './world.ts';

/** The identities of the pod, with the selectors by which a request can name them. */
export interface ExplainedRights {
  readonly findings: readonly Finding[];
  readonly selectors: readonly Selector[];
}

export function explainRights(world: ExplainWorld): ExplainedRights {
  const { pod, view } = world;
  const exemption = exemptionOf(pod, view, world.rules);
  if (exemption !== undefined) return explainExempt(world, exemption);
  const { matches, mismatches } = matchesOf(world);
  const label = pod.labels[bindingLabel];
  return {
    findings: [
      ...(label ? [ok('label', `${bindingLabel}=${label}`)] : []),
      ...doubtfulExceptions(world),
      ...invalidException(world),
      ...invalidObjects(world),
      ...matches.flatMap((match) => explainIdentity(match, world)),
      ...mismatches.map((mismatch) =>
        explainMismatch(pod.key, mismatch, { ...knownHere(world), lookup: lookUp(mismatch, world) }),
      ),
    ],
    selectors: matches.map(selectorOf),
  };
}

function matchesOf(world: ExplainWorld): ReturnType<typeof matchPod> {
  const { pod, view } = world;
  return matchPod({ ...objectsOf(view, pod), pod, rules: rulesOf(world) });
}

/** Which identities count for the pod. */
export function rulesOf({ pod, view, rules }: ExplainWorld): MatchingRules {
  return matchingRulesIn(accessModeOf(pod.namespace, view, rules), rules);
}

/** In mode `rbac` its bindings count where its ServiceAccount may not use the machine. */
function explainExempt(world: ExplainWorld, exemption: Exemption): ExplainedRights {
  const clientIds = [...(exemption.clientIds ?? [])].sort();
  const { access } = exemption;
  const machine = world.reviewed.get('');
  const isReviewed = access?.mode === 'rbac' && machine?.verdict !== 'allowed';
  const matches = isReviewed ? matchesOf(world).matches : [];
  const named = clientIds.map((value): Selector => ({ by: 'client-id', value }));
  const bound = matches.map(selectorOf).filter(({ value }) => !clientIds.includes(value));
  return {
    findings: [
      exempt(world, exemption),
      ...(isReviewed ? [machineRight(access, machine, matches)] : []),
      ...invalidException(world),
      ...matches.flatMap((match) => explainIdentity(match, world)),
    ],
    selectors: [...named, ...bound],
  };
}

/** A problem only where no binding counts instead. */
function machineRight(
  { subject }: Pick<Access, 'subject'>,
  known: AccessResult | undefined,
  matches: readonly Match[],
): Finding {
  return known?.verdict === 'denied' && matches.length === 0
    ? missingRightFinding({ identity: '', subject, targets: known.targets }, 'rbac')
    : machineRightFinding({ subject });
}

function exempt({ pod, view }: ExplainWorld, { clientIds, access }: Exemption): Finding {
  const which =
    clientIds === undefined
      ? 'any identity of the machine'
      : `the client ids ${[...clientIds].sort().join(', ') || 'none'}`;
  const bindings =
    access?.mode === 'rbac'
      ? 'if its ServiceAccount may use the machine, no binding counts'
      : 'no binding counts';
  const names = view.exceptionsIn(pod.namespace).map(({ metadata }) => `${pod.namespace}/${metadata.name}`);
  return info(
    'exception',
    `exempt by AzurePodIdentityException (in its namespace: ${names.join(', ')}): ${bindings}, it may ask for ${which}`,
  );
}

function selectorOf({ identity: { spec } }: Match): Extract<Selector, { readonly value: string }> {
  return spec.clientID === undefined || spec.clientID === ''
    ? { by: 'resource-id', value: (spec.resourceID ?? '').toLowerCase() }
    : { by: 'client-id', value: spec.clientID.toLowerCase() };
}

const withoutExemption = new Set([exemptionName]);

function explainIdentity(match: Match, world: ExplainWorld): Finding[] {
  const { pod, view, rules } = world;
  const decision = deciderFor(pod, view, rules)(selectorOf(match), withoutExemption);
  return [
    ...explainMatch(pod.namespace, match, reachOf(rulesOf(world))),
    ...('identity' in decision && typeof decision.identity !== 'string'
      ? explainAccess(decision.identity, world)
      : []),
    ...explainState(decision, match, world),
  ];
}

function knownHere({ pod, view }: ExplainWorld): UnboundContext {
  const known = knownOf(pod, view);
  return {
    ...known,
    conditionOf: (name) => {
      const found = view
        .bindingsWithSelector(known.label)
        .of(pod.namespace)
        .find((one) => nameOf(one) === name);
      return found && failedCondition(found, pod);
    },
  };
}

/** What a remedy for this pod needs to be complete. */
function lookUp({ reason, ...named }: Mismatch, { pod, view, selectors = [] }: ExplainWorld): Lookup {
  const [namespace = '', name = ''] = (named.identity ?? '').split('/');
  const identity = reason === 'other-namespace' ? view.identityOf(namespace, name) : undefined;
  const binding = view
    .bindingsWithSelector(pod.labels[bindingLabel] ?? '')
    .of(namespace)
    .find((one) => nameOf(one) === named.binding);
  return { selectors, copies: copiesFor(pod.namespace, identity, binding) };
}

/** Of a namespace whose editor may create any number. */
const mostExceptions = 10;

/** For a pod that no exception is for: one may be meant for it. */
function doubtfulExceptions({ pod, view }: ExplainWorld): Finding[] {
  return view
    .exceptionsIn(pod.namespace)
    .flatMap((exception) => doubtful('exception', exception))
    .slice(0, mostExceptions);
}

/** The first that may be meant for the pod. */
function invalidException({ pod, view, rules }: ExplainWorld): Finding[] {
  const invalid = invalidExceptionFor(pod, view, rules);
  if (invalid === undefined) return [];
  const { namespace, name, podLabels } = invalid;
  const remedy = {
    text: 'correct it, or delete it',
    command: `kubectl edit azurepodidentityexceptions ${name} --namespace ${namespace}`,
  };
  const report = podLabels === undefined ? info : problem;
  return [report('exception', explainInvalidException(invalid), remedy)];
}

/** Others of the pod's namespace. */
function invalidObjects({ pod, view, rules, invalid = [] }: ExplainWorld): Finding[] {
  const reported = invalidExceptionFor(pod, view, rules);
  return invalid
    .filter(({ kind, name }) => kind === 'AzureIdentityBinding' || name !== reported?.name)
    .map(({ kind, namespace, name, fault }) => invalidFinding({ kind, key: `${namespace}/${name}`, fault }));
}

function explainState(
  decision: Decision,
  { identity }: Match,
  { attached }: ExplainWorld,
): readonly Finding[] {
  if (decision.kind === 'unusable')
    return [problem('identity', `${nameOf(identity)} cannot be served`, { text: decision.fault })];
  if (decision.kind === 'deny')
    return [
      problem('identity', `${nameOf(identity)} cannot be told from another identity of the pod`, {
        text: 'give each AzureIdentity the client id that is its own',
      }),
    ];
  const anywhere = info('host', `no host needs to carry ${kindInWords(identity)}`);
  return [...(identity.spec.type === 0 ? [] : [anywhere]), ...attached(identity)];
}

function nameOf({ metadata }: { readonly metadata: ObjectMeta }): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
