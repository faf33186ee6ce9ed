/** `waiting`: resolves by itself. `problem`: needs action. */
export type FindingMark = 'ok' | 'waiting' | 'problem' | 'info';

export interface Remedy {
  readonly text: string;
  /** To be pasted into a file or a program: its lines are printed unchanged. */
  readonly paste?: string;
  /** To be pasted into a shell. */
  readonly command?: string;
}

/** In one line, as a part of a sentence. */
export const adviceOf = ({ text, command }: Remedy): string =>
  command === undefined ? text : `${text}: ${command}`;

/** A command of the kubectl plug-in, with the rights of whoever runs it. */
export const inPlugIn = (command: string): string => `kubectl azure-pod-identity ${command}`;

/** A command of the broker of federated identities, which alone has the token for Microsoft Entra; names as in the manifests and the chart. */
export const inBroker = (command: string): string =>
  `kubectl -n aad-pod-identity-broker exec deploy/broker -- node /app/nmi.js ${command}`;

/** What a finding is about: the first word of its line. */
type Topic =
  | 'pod'
  | 'label'
  | 'node'
  | 'address'
  | 'exception'
  | 'binding'
  | 'namespace'
  | 'access'
  | 'identity'
  | 'permission'
  | 'host'
  | 'record'
  | 'answer'
  | 'rules'
  | 'result';

/** One line of an `explain` command's output. */
export interface Finding {
  readonly topic: Topic;
  readonly verdict: FindingMark;
  readonly text: string;
  readonly remedy?: Remedy;
}

const make =
  (verdict: FindingMark) =>
  (topic: Topic, text: string, remedy?: Remedy): Finding => ({
    topic,
    verdict,
    text,
    ...(remedy !== undefined && { remedy }),
  });
export const [ok, waiting, problem, info] = [make('ok'), make('waiting'), make('problem'), make('info')];

const marks: Readonly<Record<FindingMark, string>> = { ok: '✓', waiting: '…', problem: '✗', info: '·' };
const indent = ' '.repeat(15);

/** For a terminal: what the findings are about, then one line for each, below it the remedy. */
export function findingLines(subject: string, findings: readonly Finding[]): readonly string[] {
  return [subject, ...findings.flatMap(linesOf)];
}

function linesOf({ topic, verdict, text, remedy }: Finding): string[] {
  return [
    `${marks[verdict]} ${topic.padEnd(12)} ${text}`,
    ...(remedy === undefined ? [] : [`${indent}remedy: ${remedy.text}`]),
    ...(remedy?.paste === undefined ? [] : remedy.paste.trimEnd().split('\n')),
    ...(remedy?.command === undefined ? [] : [`${indent}$ ${remedy.command}`]),
  ];
}
