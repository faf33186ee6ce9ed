// Room: `status`: the causes for which pods wait, worst first, with remedies; then the services and how many pods there are.
// It must not decide anything: judge does.
import { exitCodes, type Given, type PlugInCommand, type Session } from '../cli/command.ts';
import { readReport } from '../judge/read-report.ts';
import type { Cause, PodRow, Report, State } from '../judge/report.ts';
import { isForPrograms } from '../print/output.ts';
import { printWhenChanged } from './watch.ts';

export const statusCommand: PlugInCommand = {
  name: 'status',
  summary: 'what waits and why, who must act, and MIC, NMI and the broker',
  options: [
    { flags: '--all', what: 'list all pods, also those that are well' },
    { flags: '-w, --watch', what: 'print again when something changes, until Ctrl-C' },
  ],
  examples: ['status', 'status -A --all', 'status -n shop -o json', 'status -A --watch'],
  isEndless: ({ options }) => options['watch'] === true,
  run: (session, given) =>
    given.options['watch'] === true
      ? printWhenChanged(session, {
          read: () => readReport(session),
          print: (report) => print(session, report, given),
        })
      : readReport(session).then((report) => print(session, report, given)),
};

/** Returns the exit code. */
function print(session: Session, report: Report, { options }: Given): number {
  const { out, err, namespace } = session;
  if (isForPrograms(session)) out.object({ namespace: namespace ?? null, ...report });
  else {
    out.line(namespace === undefined ? 'all namespaces' : `namespace ${namespace}; -A for all`);
    printCauses(session, report.causes);
    for (const { kind, namespace: home, name, state, text } of report.services)
      out.line(`${kind} ${home}/${name}: ${state}, ${text}`);
    if (options['all'] === true) out.table(podTable(report.pods));
    out.line(countLine(report.pods));
  }
  for (const text of report.unknown) err(`not known: ${text}`);
  return exitCodeOf(report);
}

function printCauses({ out, format }: Session, causes: readonly Cause[]): void {
  for (const { state, text, pods, actor, remedy } of causes) {
    const concerned = pods.length === 0 ? [] : [pods.length === 1 ? '1 pod' : `${pods.length} pods`];
    const line = [text, ...concerned, ...(actor === 'nobody' ? [] : [actor])].join(' · ');
    out.line(`${state}: ${format === 'wide' ? line : shortIds(line)}`);
    if (remedy === undefined) continue;
    out.line(`  remedy: ${remedy.text}`);
    for (const pasted of remedy.paste?.trimEnd().split('\n') ?? []) out.line(pasted);
    if (remedy.command !== undefined) out.line(`  $ ${remedy.command}`);
  }
}

/** ARM ids by their last part. */
const shortIds = (text: string) => text.replaceAll(/\/subscriptions\/[^\s·,;)]*\/([^\s/·,;)]+)/g, '$1');

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

const states: readonly State[] = ['problem', 'waiting', 'unknown', 'ok'];

/** `3 pods: 1 problem, 2 ok` */
function countLine(pods: readonly PodRow[]): string {
  const counts = states.flatMap((state) => {
    const count = pods.filter((pod) => pod.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  return pods.length === 0
    ? 'no pods with identities'
    : `${pods.length} ${pods.length === 1 ? 'pod' : 'pods'}: ${counts.join(', ')}`;
}

export function exitCodeOf({ causes }: Report): number {
  if (causes.some(({ state }) => state === 'problem')) return exitCodes.problem;
  return causes.some(({ state }) => state === 'unknown') ? exitCodes.unknown : exitCodes.ok;
}
