// One story of a pod: its verdict, then what must be done, then what holds. Each sentence appears once.
import { ok, waiting, type Finding } from '@pod-identity/policy';
import { responseFinding, type NmiExplanation } from '../../../nmi/src/commands/plug-in.ts';

export interface Story {
  /** `namespace/name`. */
  readonly pod: string;
  /** Its text goes on after the pod's name: `gets tokens as shop/vault`. */
  readonly result: Finding;
  readonly findings: readonly Finding[];
  /** False: what decides may not be read. */
  readonly isKnown: boolean;
}

export interface Sides {
  readonly nmi: NmiExplanation;
  /** In status' words: the pod reaches the identities of its machine. Empty if not. */
  readonly reaches: string;
  /** NMI of the node, MIC, and the broker if the pod needs it. */
  readonly services: readonly Finding[];
  /** What was not read. */
  readonly notes: readonly Finding[];
  /** Why bindings cannot be sides. */
  readonly unread: string | undefined;
  /** What decides and is not known, in status' words. */
  readonly doubt: string | undefined;
  /** The rights of ServiceAccounts may not be checked. */
  readonly isRightUnknown: boolean;
  /** Whether NMI runs on the pod's node may not be read. */
  readonly isAgentUnknown: boolean;
}

export function composeStory(sides: Sides): Story {
  const { nmi, services, notes, unread } = sides;
  const location = nmi.findings.filter(({ topic }) => topic === 'pod' || topic === 'address');
  const all = [...(unread === undefined ? nmi.findings : location), ...services, ...notes];
  const conclusion = conclude(sides, all);
  const { result } = conclusion;
  const isServed = conclusion.isKnown && result.verdict === 'ok' && sides.reaches === '';
  const responses = isServed ? nmi.responses.map(responseFinding) : [];
  const others = [...once(all), ...responses].filter(({ text }) => !result.text.includes(text));
  return { ...conclusion, pod: nmi.pod, findings: byUrgency(others) };
}

const order: readonly Finding['verdict'][] = ['problem', 'waiting'];
const rankOf = ({ verdict }: Finding) => (order.indexOf(verdict) + order.length + 1) % (order.length + 1);

const byUrgency = (findings: readonly Finding[]) => findings.toSorted((a, b) => rankOf(a) - rankOf(b));

function conclude(sides: Sides, all: readonly Finding[]): Pick<Story, 'result' | 'isKnown'> {
  const worst = all.find(({ verdict }) => verdict === 'problem');
  return (worst === undefined ? concludeOtherwise(sides, all) : undefined) ?? concludeBy(sides, all, worst);
}

/** What is so, whatever the bindings say. */
function concludeOtherwise(
  { reaches, unread, doubt, isRightUnknown, isAgentUnknown }: Sides,
  all: readonly Finding[],
): Pick<Story, 'result' | 'isKnown'> | undefined {
  const open = (reaches === '' ? unread : undefined) ?? doubt;
  if (open !== undefined)
    return { result: waiting('result', `may get tokens or not: ${open}`), isKnown: false };
  if (reaches !== '') return { result: ok('result', reaches), isKnown: true };
  const isWaiting = all.some(({ topic, verdict }) => topic !== 'access' && verdict === 'waiting');
  if (isWaiting || !(isRightUnknown || isAgentUnknown)) return undefined;
  return { result: isAgentUnknown ? assignedAlone : asAssigned, isKnown: false };
}

function concludeBy(
  { nmi }: Sides,
  all: readonly Finding[],
  worst: Finding | undefined,
): Pick<Story, 'result' | 'isKnown'> {
  const because = worst ?? all.find(({ verdict }) => verdict === 'waiting');
  const result =
    because !== undefined || nmi.result.verdict !== 'ok'
      ? getsNone(nmi, because ?? nmi.result)
      : ok('result', getsTokens(nmi));
  return { result, isKnown: true };
}

function getsNone(nmi: NmiExplanation, because: Finding): Finding {
  const isProblem = because.verdict === 'problem' || nmi.result.verdict === 'problem';
  const text = `gets no token${isProblem ? '' : ' yet'}: ${because.text}`;
  return { ...because, topic: 'result', verdict: isProblem ? 'problem' : 'waiting', text };
}

const asAssigned = ok(
  'result',
  'gets tokens: MIC has found its right and assigned it an identity, which you may not check',
);

const assignedAlone = waiting(
  'result',
  'has been assigned its identity; you may not see whether NMI, which gives the tokens, runs on its node',
);

/** Without an identity: those of its machine. */
function getsTokens({ responses }: NmiExplanation): string {
  const given = responses.filter(({ status }) => status === 200);
  const names = [...new Set(given.flatMap(({ identity = [] }) => identity))];
  const named = given.some(({ selector }) => selector === '') ? '' : ', if its requests name the identity';
  return names.length === 0
    ? "gets tokens of the machine's identities"
    : `gets tokens as ${names.join(', ')}${named}`;
}

/** Also without facts that another finding contains. */
function once(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(
    (finding, at) =>
      !findings.some(
        (other, index) =>
          index !== at &&
          other.text.includes(finding.text) &&
          (finding.verdict === other.verdict || finding.verdict === 'info') &&
          (other.text !== finding.text || index < at),
      ),
  );
}
