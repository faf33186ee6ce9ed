// A report, in lines of 120 columns; what is pasted is not wrapped.
import type { Session } from '../cli/command.ts';
import { stateCounts } from '../judge/causes.ts';
import type { Cause, PodRow, Report } from '../judge/report.ts';
import { shortIds } from '../print/short-ids.ts';

type Printing = Pick<Session, 'out' | 'format'>;

export function printReport(session: Printing, report: Report, { isAll }: { readonly isAll: boolean }): void {
  const { out } = session;
  for (const cause of report.causes) printCause(session, cause);
  for (const { kind, namespace, name, state, text } of report.services)
    for (const line of wrapped(`${kind} ${namespace}/${name}: ${state}, ${text}`)) out.line(line);
  if (isAll) out.table(podTable(report.pods));
  out.line(countLine(report.pods));
}

function printCause({ out, format }: Printing, { state, text, pods, actor, remedy }: Cause): void {
  const words = (sentence: string) => (format === 'wide' ? sentence : shortIds(sentence));
  const who = actor === 'nobody' ? [] : [actor];
  const sentence = [text, ...concerned(pods, format === 'wide'), ...who].join(' · ');
  for (const line of wrapped(words(`${state}: ${sentence}`))) out.line(line);
  if (remedy === undefined) return;
  for (const line of wrapped(words(`  remedy: ${remedy.text}`))) out.line(line);
  for (const pasted of remedy.paste?.trimEnd().split('\n') ?? []) out.line(pasted);
  if (remedy.command !== undefined) out.line(`  $ ${remedy.command}`);
}

function concerned(pods: readonly string[], isWide: boolean): readonly string[] {
  const [first] = pods;
  if (first === undefined) return [];
  if (isWide) return [`pods ${pods.join(', ')}`];
  return [pods.length === 1 ? `pod ${first}` : `${pods.length} pods`];
}

/** Lines of 120 columns, further ones indented. A longer word stays whole. */
const wrapped = (text: string): readonly string[] =>
  (text.match(/(?:\S{117,}|.{1,116}(?!\S)) ?/g) ?? []).map(
    (line, at) => (at === 0 ? '' : '    ') + line.trimEnd(),
  );

const podTable = (pods: readonly PodRow[]) => ({
  columns: [
    { name: 'POD' },
    { name: 'SERVICEACCOUNT', isWide: true },
    { name: 'IDENTITIES' },
    { name: 'HOST', isWide: true },
    { name: 'NODE', isWide: true },
    { name: 'STATE' },
    { name: 'WHY', isWide: true },
  ],
  rows: pods.map(({ pod, serviceAccount, identities, host, node, state, why }) => [
    pod,
    serviceAccount,
    identities.join(','),
    host,
    node,
    state,
    why,
  ]),
});

/** `3 pods: 1 problem, 2 ok` */
const countLine = (pods: readonly PodRow[]): string =>
  pods.length === 0
    ? 'no pods with identities'
    : `${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}: ${stateCounts(pods)}`;
