import { info, problem } from '@pod-identity/policy';
import { found, type AgentMetrics, type CheckResult, type DoctorFacts, type ObjectFinding } from './facts.ts';

/** The API server sends something to each watch once a minute. */
const longestSilenceSeconds = 180;

/** NMI hears from the API server, by its metrics. Where they may not be read, that is no fault of the cluster. */
export function checkMetrics({ metrics: { agents, notes } }: DoctorFacts): CheckResult {
  const unread = notes.map((note) => found('metrics', info('agent', `metrics of NMI: ${note}`)));
  return { findings: [...agents.flatMap(agentFindings), ...unread], unknown: [] };
}

function agentFindings({ pod, counts, lately }: AgentMetrics): ObjectFinding[] {
  const agent = `NMI on node ${pod.nodeName}`;
  const command = `kubectl logs ${pod.name} --namespace ${pod.namespace} --all-containers --since 10m`;
  const findings: ObjectFinding[] = [];
  const report = (as: typeof info, text: string, advice: string) =>
    void findings.push(found(`Node/${pod.nodeName}`, as('agent', text, { text: advice, command })));
  // Any pod with an identity can cause these, by a resource that does not exist. The alerts of deploy/monitoring have thresholds.
  if (lately.failed + lately.unconfirmed > 0)
    report(
      info,
      `${agent}: of the last seconds, ${lately.failed} token requests failed, ${lately.unconfirmed} were refused because the pod or its rights were not confirmed, and ${lately.tokens} got a token`,
      'its log names the pods and the reasons; kubectl azure-pod-identity logs NAMESPACE/POD has those of one pod',
    );
  if (counts.silentSeconds > longestSilenceSeconds)
    report(
      problem,
      `${agent} does not reach the API server: a watch has heard nothing for ${Math.round(counts.silentSeconds)} s`,
      'its log says why; a firewall of the node may drop the connections',
    );
  if (counts.foreignListeners > 0)
    report(
      problem,
      `another program listens at the port of ${agent}, and may receive the calls of pods`,
      'its log names it',
    );
  return findings;
}
