// One story of MIC's and NMI's explanation of a pod, in the order in which a token comes about. What both say appears once.
import { inBroker, ok, problem, waiting, type Finding } from '@pod-identity/policy';
import { aboutPod } from '../print/own-commands.ts';
import { responseFinding, type NmiExplanation } from '../../../nmi/src/commands/plug-in.ts';

export interface Sides {
  readonly nmi: NmiExplanation;
  /** Undefined: there is no MIC, or what it sees may not be read. */
  readonly mic: Pick<NmiExplanation, 'findings' | 'result'> | undefined;
  /** The rights of ServiceAccounts cannot be known. */
  readonly isRightUnknown: boolean;
  /** What was not read, and by whom rights are told. */
  readonly notes: readonly Finding[];
  /** Of the pod, if MIC's side is not known. */
  readonly records: readonly Finding[];
  /** The NMI of the pod's node, MIC, and the broker if the pod needs it. */
  readonly services: readonly Finding[];
}

export interface Story {
  /** `namespace/name`. */
  readonly pod: string;
  readonly findings: readonly Finding[];
  readonly result: Finding;
  readonly isKnown: boolean;
}

export function composeStory(sides: Sides): Story {
  const { nmi, notes, records, services } = sides;
  const [location, rest] = divide(nmi.findings);
  const said = [
    ...notes,
    ...location,
    ...micFindings(sides),
    ...rest.filter((finding) => !isKnownByMic(finding, sides)),
    ...records,
    ...services,
  ];
  return {
    pod: nmi.pod,
    findings: [
      ...once(said).map((finding) => aboutPod(finding, nmi.pod)),
      // Without the rights they would be wrong.
      ...(dependsOnRights(sides) ? [] : nmi.responses.map(responseFinding)),
    ],
    ...conclude(sides),
  };
}

/** Whether the pod is bound to an identity of type 3, for which the broker is needed. */
export function needsBroker({ findings }: Pick<NmiExplanation, 'findings'>): boolean {
  return findings.some(({ remedy }) => remedy?.command?.startsWith(inBroker('check-federated')) === true);
}

/** Where the pod is comes first in NMI's explanation. */
function divide(findings: readonly Finding[]): readonly [readonly Finding[], readonly Finding[]] {
  const end = findings.findIndex(({ topic }) => topic !== 'pod' && topic !== 'address');
  const at = end === -1 ? findings.length : end;
  return [findings.slice(0, at), findings.slice(at)];
}

/** Without what is not known to the user alone: MIC may well know it. */
function micFindings({ mic, isRightUnknown }: Sides): readonly Finding[] {
  return (mic?.findings ?? []).filter((finding) => !(isRightUnknown && isOpenRight(finding)));
}

/** That only the metadata service knows what the machine carries. */
function isKnownByMic({ topic, verdict }: Finding, { mic }: Sides): boolean {
  return mic !== undefined && topic === 'host' && verdict === 'info';
}

const isOpenRight = ({ topic, verdict }: Finding) => topic === 'access' && verdict === 'waiting';

/** By what MIC wrote, which knows nothing of a Secret that may not be read. */
function isServed({ records, nmi: { findings } }: Sides): boolean {
  const isUnread = findings.some(({ topic, verdict }) => topic === 'identity' && verdict === 'waiting');
  return records.some(({ verdict }) => verdict === 'ok') && !isUnread;
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

function conclude(sides: Sides): Pick<Story, 'result' | 'isKnown'> {
  const { nmi, mic, services } = sides;
  const failing = services.some(({ verdict }) => verdict === 'problem') ? [notServed] : [];
  if (dependsOnRights(sides) && failing.length === 0) {
    return isServed(sides) ? { result: asAssigned, isKnown: true } : { result: depends, isKnown: false };
  }
  const results = [nmi.result, mic?.result ?? [], failing].flat();
  const worst = (['problem', 'waiting'] as const)
    .map((verdict) => results.find((result) => result.verdict === verdict))
    .find((result) => result !== undefined);
  return { result: worst ?? nmi.result, isKnown: nmi.isKnown || worst?.verdict === 'problem' };
}

/** On rights that the user cannot see, and on nothing else. */
function dependsOnRights({ nmi: { findings }, isRightUnknown }: Sides): boolean {
  return (
    isRightUnknown && findings.some(isOpenRight) && !findings.some(({ verdict }) => verdict === 'problem')
  );
}

const notServed = problem('result', 'the pod gets no token before the services named above run');
const depends = waiting('result', 'whether the pod gets a token depends on rights that you may not see');
const asAssigned = ok(
  'result',
  'the pod gets a token: MIC has found its right and assigned it an identity, which you may not check',
);
