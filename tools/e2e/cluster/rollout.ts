// Waits for workloads of the services, with the reason in the error when one does not become ready.
import * as names from '../../stage/names.ts';
import type { ClusterStage } from './stage.ts';

type Kubectl = Pick<ClusterStage, 'kubectl'>;

/** Of two nodes one after the other, each with an old pod that ends and a new one that becomes ready. */
const patience = '--timeout=170s';

/** Waits for a Deployment or DaemonSet of the services; returns what kubectl says. */
export const rolledOut = (stage: Kubectl, workload: string): Promise<string> =>
  withState(stage, () =>
    stage.kubectl('rollout', 'status', patience, '--namespace', names.systemNamespace, workload),
  );

/** Runs a step; its error has the pods of the cluster and what happened last. */
export async function withState<T>(stage: Kubectl, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const state = await stateOf(stage).catch((failure: unknown) => `unknown: ${String(failure)}`);
    throw new Error(`${(error as Error).message}\nThe cluster then:\n${state}`, { cause: error });
  }
}

const lastEvents = 40;

/** What the controllers say of the workloads of the services: pods can be ready before it. */
const statuses =
  '{range .items[*]}{.kind} {.metadata.name}, generation {.metadata.generation}: {.status}{"\\n"}{end}';

async function stateOf({ kubectl }: Kubectl): Promise<string> {
  const workloads = await kubectl(
    ...['get', 'deployments,replicasets,daemonsets', '--namespace', names.systemNamespace],
    `--output=jsonpath=${statuses}`,
  );
  const pods = await kubectl('get', 'pods', '--all-namespaces', '--output=wide');
  const events = await kubectl('get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp');
  // Of each pod again and again, because the nodes of the kit have no DNS.
  const [head = '', ...told] = events
    .trimEnd()
    .split('\n')
    .filter((line) => !line.includes('MissingClusterDNS'));
  return [pods.trimEnd(), workloads.trimEnd(), head, ...told.slice(-lastEvents)].join('\n');
}
