// What the plug-in's `explain` asks of NMI: lists in, explanation out.
import type { AccessTarget } from '@pod-identity/crd-types';
import { resultOf } from '../access/judge.ts';
import { pairOf, type AccessPair, type AccessVerdict } from '../access/types.ts';
import { identitiesOf } from '../authorize/authorize.ts';
import { exemptionOf } from '../authorize/exception.ts';
import type { AuthorizeRules, GrantedIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import { explainPod, type Explanation } from './explain.ts';
import { viewOfLists, type ExplainedLists } from './list-view.ts';
import type { ExplainWorld, InvalidObject, ReviewedAccesses } from './world.ts';

interface Explained {
  readonly pod: PodView;
  readonly lists: ExplainedLists;
  readonly rules: AuthorizeRules;
  /** That of the pod's node; undefined: not known. */
  readonly machine?: AccessTarget | undefined;
}

export type ListsExplained = Explained &
  Omit<ExplainWorld, 'view' | 'rules' | 'pod' | 'reviewed' | 'invalid'> & {
    readonly rightOf: (pair: Pick<AccessPair, 'subject' | 'target'>) => AccessVerdict;
    /** The API server allows an invented user too, so that no review counts. */
    readonly allowsAnybody: boolean;
  };

/** The rights that decide, to be asked about before `explainLists`. */
export function rightsNeeded(given: Explained): readonly AccessPair[] {
  const { pod, lists, rules } = given;
  const pairs = [...identitiesOf(pod, viewOfLists(lists), rules).flatMap(pairsOf), ...machinePair(given)];
  return [...new Map(pairs.map((pair) => [pair.key, pair])).values()];
}

export function explainLists(given: ListsExplained): Explanation {
  const { pod, lists, rules } = given;
  const view = viewOfLists(lists);
  const reviewed = new Map(reviewedOf(identitiesOf(pod, view, rules), given));
  for (const pair of given.allowsAnybody ? [] : machinePair(given)) {
    const result = resultOf([pair], [given.rightOf(pair)]);
    if (result.verdict === 'allowed' || result.verdict === 'denied') reviewed.set('', result);
  }
  const { namespace } = pod;
  const selectors = lists.bindings.flatMap((one) =>
    'value' in one && one.key.startsWith(`${namespace}/`) ? [one.value.spec.selector] : [],
  );
  return explainPod({ ...given, view, reviewed, selectors, invalid: invalidIn(namespace, lists) });
}

const pairsOf = ({ access }: GrantedIdentity): readonly AccessPair[] =>
  access === undefined || access.pairs === 'machine' ? [] : access.pairs;

/** The right that decides about the exception of the pod. */
function machinePair({ pod, lists, rules, machine }: Explained): readonly AccessPair[] {
  const access = exemptionOf(pod, viewOfLists(lists), rules)?.access;
  return machine && access?.mode === 'rbac' ? [pairOf(access.subject, machine)] : [];
}

function reviewedOf(
  identities: readonly GrantedIdentity[],
  { rightOf, allowsAnybody }: Pick<ListsExplained, 'rightOf' | 'allowsAnybody'>,
): ReviewedAccesses {
  return new Map(
    identities.flatMap((identity) => {
      const pairs = pairsOf(identity);
      if (pairs.length === 0) return [];
      // In mode `warn` nothing is refused.
      const isUseless = allowsAnybody && identity.access?.mode === 'rbac';
      const result = isUseless
        ? ({ verdict: 'unanswered', why: 'allows-all' } as const)
        : resultOf(pairs, pairs.map(rightOf));
      return [[identity.name, result] as const];
    }),
  );
}

/** Of a namespace whose editors may create any number. */
const mostInvalid = 10;

function invalidIn(namespace: string, { bindings, exceptions }: ExplainedLists): readonly InvalidObject[] {
  const broken: readonly InvalidObject[] = bindings.flatMap(({ key, ...one }) =>
    'fault' in one && key.startsWith(`${namespace}/`)
      ? [
          {
            kind: 'AzureIdentityBinding' as const,
            namespace,
            name: key.slice(namespace.length + 1),
            fault: one.fault,
          },
        ]
      : [],
  );
  const others = exceptions.flatMap((one): InvalidObject[] =>
    'fault' in one ? [{ kind: 'AzurePodIdentityException', ...one }] : [],
  );
  return [...broken, ...others].slice(0, mostInvalid);
}
