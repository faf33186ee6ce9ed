// What the page says, by pure functions.
import type { Remedy } from '@pod-identity/policy';
import type { PodRow, State } from '../../judge/report.ts';
import type { PodStory } from '../story.ts';

export const states: readonly State[] = ['problem', 'waiting', 'unknown', 'ok'];

/** Names and messages: without characters that control a terminal or the direction of text. */
export const cleanText = (text: string): string =>
  text.replaceAll(/(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd').toWellFormed();

/** For the clipboard, from where each control character is a key for a terminal: a tab completes words, a return ends the line. */
export const copiedText = (text: string): string => cleanText(text).replaceAll(/[\t\r]/g, '\ufffd');

export const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;

export interface Filter {
  readonly search: string;
  /** Empty: all. */
  readonly state: State | '';
}

export function filterRows(rows: readonly PodRow[], { search, state }: Filter): readonly PodRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (state !== '' && row.state !== state) return false;
    const text = [row.pod, row.serviceAccount, ...row.identities, row.host, row.node, row.why]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** From the account to the host. */
export function chainOf({ pod, serviceAccount, bindings = [], identities, host, node }: PodRow): string {
  const [namespace = ''] = pod.split('/');
  const listed = (kind: string, keys: readonly string[]) =>
    keys.length === 0 ? `no ${kind}` : `${kind} ${[...new Set(keys)].join(', ')}`;
  return [
    `ServiceAccount ${namespace}/${serviceAccount}`,
    `pod ${pod}`,
    listed('AzureIdentityBinding', bindings),
    listed('AzureIdentity', identities),
    host === '' ? (node === '' ? 'no host yet' : `node ${node}`) : `host ${host}`,
  ].join(' → ');
}

export interface Told {
  /** What is wrong or waits. */
  readonly faults: readonly Step[];
  readonly remedies: readonly Remedy[];
  /** What holds. */
  readonly rest: readonly Step[];
}
type Step = PodStory['findings'][number];

/** Remedies come before what holds, and each sentence and remedy comes once. */
export function tell(findings: readonly Step[]): Told {
  const once = new Map(findings.toReversed().map((step) => [step.text, step]));
  const steps = [...once.values()].toReversed();
  const isFault = ({ verdict }: Step) => verdict === 'problem' || verdict === 'waiting';
  const remedies = new Map(
    findings.flatMap(({ remedy }) =>
      remedy === undefined
        ? []
        : [[JSON.stringify([remedy.paste, remedy.command, remedy.text]), remedy] as const],
    ),
  );
  return {
    faults: steps.filter(isFault),
    remedies: [...remedies.values()],
    rest: steps.filter((step) => !isFault(step)),
  };
}
