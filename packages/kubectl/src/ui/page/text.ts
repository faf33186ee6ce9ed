// What the page says, by pure functions.
import type { Finding, Remedy } from '@pod-identity/policy';
import type { PodRow } from '../../judge/report.ts';

/** Names and messages: without characters that control a terminal or the direction of text. */
export const cleanText = (text: string): string =>
  text.replaceAll(/(?![\t\n\r])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd').toWellFormed();

/** For the clipboard, from where each control character is a key for a terminal: a tab completes words, a return ends the line. */
export const copiedText = (text: string): string => cleanText(text).replaceAll(/[\t\r]/g, '\ufffd');

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? '' : 's'}`;

/** Those with each of the words in some column. */
export function filterRows(rows: readonly PodRow[], search: string): readonly PodRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter(({ pod, serviceAccount, identities, host, node, state, why }) => {
    const text = [pod, serviceAccount, ...identities, host, node, state, why].join(' ').toLowerCase();
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

export type Findings = readonly Finding[];

export interface StoryParts {
  /** What is wrong or waits. */
  readonly faults: Findings;
  readonly remedies: readonly Remedy[];
  /** What holds. */
  readonly rest: Findings;
}

/** Remedies come before what holds, and each once. */
export function partsOf(findings: Findings): StoryParts {
  const isFault = ({ verdict }: Finding) => verdict === 'problem' || verdict === 'waiting';
  const remedies = findings.flatMap(({ remedy }) =>
    remedy === undefined
      ? []
      : [[JSON.stringify([remedy.text, remedy.paste, remedy.command]), remedy] as const],
  );
  return {
    faults: findings.filter(isFault),
    remedies: [...new Map(remedies).values()],
    rest: findings.filter((finding) => !isFault(finding)),
  };
}
