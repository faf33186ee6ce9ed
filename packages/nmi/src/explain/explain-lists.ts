// What the plug-in's `explain` asks of NMI: lists in, explanation out.
import { resultOf } from '../access/judge.ts';
import type { AccessPair, AccessVerdict } from '../access/types.ts';
import { identitiesOf } from '../authorize/authorize.ts';
import type { InvalidObject } from '../authorize/granting-informers.ts';
import type { AuthorizeRules, GrantedIdentity } from '../authorize/types.ts';
import type { PodView } from '../identify/pod-view.ts';
import { explainPod, type Explanation } from './explain.ts';
import { viewOfLists, type ExplainedLists } from './list-view.ts';
import type { ExplainWorld, ReviewedAccesses } from './world.ts';

interface Explained {
  readonly pod: PodView;
  readonly lists: ExplainedLists;
  readonly rules: AuthorizeRules;
}

export type ListsExplained = Explained &
  Omit<ExplainWorld, 'view' | 'rules' | 'pod' | 'reviewed' | 'invalid'> & {
    readonly rightOf: (pair: Pick<AccessPair, 'subject' | 'target'>) => AccessVerdict;
    /** The API server allows an invented user too, so that no review counts. */
    readonly allowsAnybody: boolean;
  };

/** The rights that decide, to be asked about before `explainLists`. */
export function rightsNeeded({ pod, lists, rules }: Explained): readonly AccessPair[] {
  const pairs = identitiesOf(pod, viewOfLists(lists), rules).flatMap(pairsOf);
  return [...new Map(pairs.map((pair) => [pair.key, pair])).values()];
}

export function explainLists(given: ListsExplained): Explanation {
  const { pod, lists, rules } = given;
  const view = viewOfLists(lists);
  const reviewed = reviewedOf(identitiesOf(pod, view, rules), given);
  const { namespace } = pod;
  const selectors = lists.bindings.flatMap((one) =>
    'value' in one && one.key.startsWith(`${namespace}/`) ? [one.value.spec.selector] : [],
  );
  return explainPod({ ...given, view, reviewed, selectors, invalid: invalidIn(namespace, lists) });
}

const pairsOf = ({ access }: GrantedIdentity): readonly AccessPair[] =>
  access === undefined || access.pairs === 'machine' ? [] : access.pairs;

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
