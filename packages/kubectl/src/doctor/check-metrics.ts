import { info, problem } from '@pod-identity/policy';
import { found, type AgentMetrics, type Checked, type DoctorWorld, type Found } from './world.ts';

/** The API server sends something to each watch once a minute. */
const longestSilenceSeconds = 180;

/** NMI gets tokens, and hears from the API server, by its metrics. Where they may not be read, that is no fault of the cluster. */
export function checkMetrics({ metrics: { agents, notes } }: DoctorWorld): Checked {
  const unread = notes.map((note) => found('metrics', info('agent', `metrics of NMI: ${note}`)));
  return { findings: [...agents.flatMap(agentFindings), ...unread], unknown: [] };
}

function agentFindings({ pod, counts, lately }: AgentMetrics): Found[] {
  const agent = `NMI on node ${pod.nodeName}`;
  const command = `kubectl logs ${pod.name} --namespace ${pod.namespace} --all-containers --since 10m`;
  const findings: Found[] = [];
  const report = (text: string, advice: string) =>
    void findings.push(found(`Node/${pod.nodeName}`, problem('agent', text, { text: advice, command })));
  if (lately.failed > 0)
    report(
      `${agent}: ${lately.failed} token requests failed in the last seconds, and ${lately.tokens} got a token`,
      'its log has what Azure responds',
    );
  const silence = [
    ...(lately.unconfirmed > 0
      ? [`${lately.unconfirmed} requests of pods were refused for it just now`]
      : []),
    ...(counts.silentSeconds > longestSilenceSeconds
      ? [`a watch has heard nothing for ${Math.round(counts.silentSeconds)} s`]
      : []),
  ];
  if (silence.length > 0)
    report(
      `${agent} does not reach the API server: ${silence.join(', ')}`,
      'its log says why; a firewall of the node may drop the connections',
    );
  if (counts.foreignListeners > 0)
    report(
      `another program listens at the port of ${agent}, and may receive the calls of pods`,
      'its log names it',
    );
  return findings;
}
