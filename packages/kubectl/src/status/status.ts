// Room: `status`: what there is in one table, what waits and why.
// It must not decide who may use an identity: policy and MIC's rules do.
import type { Given, PlugInCommand, Session } from '../cli/command.ts';
import { rulesOf } from '../access/modes.ts';
import { exitCodes } from '../cli/command.ts';
import { readAgents } from '../cluster/agents.ts';
import { readClusterView } from '../cluster/follow-cluster.ts';
import { readServices } from '../cluster/services.ts';
import { isForPrograms } from '../print/output.ts';
import { objectRows } from './object-rows.ts';
import { countLine, countsOf, sortRows, statusTable, type Status } from './row.ts';
import { agentFaults, agentRows, serviceRows } from './services-rows.ts';
import { printWhenChanged } from './watch.ts';

export const statusCommand: PlugInCommand = {
  name: 'status',
  summary: 'MIC, NMI, the broker, identities, bindings, pods and hosts: what waits and why',
  options: [
    { flags: '--all', what: 'list also what is as it should be' },
    { flags: '-w, --watch', what: 'print again when something changes, until Ctrl-C' },
  ],
  examples: ['status', 'status -A --all', 'status -n shop -o json', 'status -A --watch'],
  isEndless: ({ options }) => options['watch'] === true,
  run: (session, given) =>
    given.options['watch'] === true
      ? printWhenChanged(session, {
          read: () => readStatus(session),
          print: (status) => print(session, status, given),
        })
      : readStatus(session).then((status) => print(session, status, given)),
};

/** Reads all again, the services too. */
async function readStatus(session: Session): Promise<Status> {
  const { kube, signal, namespace, clock } = session;
  const services = await readServices({ kube, signal });
  const { forceNamespaced } = await rulesOf({ services: () => Promise.resolve(services) });
  const [{ cluster }, agents] = await Promise.all([
    readClusterView({ ...session, forceNamespaced }),
    readAgents(services, { kube, signal }),
  ]);
  const hasMic = services.mic.length > 0 || services.unknown.length > 0;
  const objects = objectRows({
    cluster,
    namespace,
    hasMic,
    now: clock.now(),
    agentFault: agentFaults(services, agents),
  });
  const nodesInNeed = new Set(
    objects.flatMap(({ kind, node = '' }) => (kind === 'pod' && node !== '' ? [node] : [])),
  );
  const rows = [
    ...serviceRows(services),
    ...(agents.unknown.length > 0 ? [] : agentRows(services, agents.pods, nodesInNeed)),
    ...objects,
  ];
  return {
    rows: sortRows(rows),
    unknown: [...services.unknown, ...agents.unknown, ...cluster.unknown],
    isComplete: cluster.hasObjects,
  };
}

/** Returns the exit code. */
function print(session: Session, { rows, unknown, isComplete }: Status, { options }: Given): number {
  const { out, err, namespace } = session;
  if (isForPrograms(session))
    out.object({ namespace: namespace ?? null, rows, counts: countsOf(rows), unknown });
  else {
    out.table(statusTable(rows, options['all'] === true));
    const counts = countLine(rows);
    out.line(counts === '' ? 'no identities, bindings or pods' : counts);
  }
  for (const text of unknown) err(`not known: ${text}`);
  return rows.some(({ state }) => state === 'problem')
    ? exitCodes.problem
    : isComplete
      ? exitCodes.ok
      : exitCodes.unknown;
}
