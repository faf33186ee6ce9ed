import type { CanarySighting } from '../plan/canary.ts';
import type { DaemonSetName } from '../snapshot/startup-views.ts';
import { line, type Report } from './events.ts';

export interface CanaryNode {
  readonly daemonSet: DaemonSetName;
  /** The node has the start-up taint, which waits for the canary. */
  readonly keepsTaint: boolean;
}

/** The texts have no times and numbers, so that repeats are one Event. */
export function reportCanary(sighting: CanarySighting, canaryNode: CanaryNode): Report {
  const { node, pod, state } = sighting;
  const message = `${messages[state](sighting, canaryNode)}${state !== 'ready' && canaryNode.keepsTaint ? taintStays : ''}`;
  // The uid of events that the kubelet writes on its node, by which kubectl describe finds them.
  const involved = { apiVersion: 'v1', kind: 'Node', name: node, uid: node };
  const type = state === 'ready' ? 'Normal' : 'Warning';
  const fields = { event: reasons[state], node, ...(pod !== '' && { pod }) };
  const reported = line(state === 'ready' ? 'info' : 'warn', fields, message);
  return { ...reported, events: [{ type, reason: reasons[state], message, involved }] };
}

const reasons = { ready: 'CanaryReady', 'not-ready': 'CanaryNotReady', missing: 'CanaryMissing' } as const;

type Write = (sighting: CanarySighting, canaryNode: CanaryNode) => string;

const messages: Readonly<Record<CanarySighting['state'], Write>> = {
  ready: () => 'the canary of NMI on this node is ready again: calls of pods get to NMI of their node',
  'not-ready': ({ pod, isAgentReady }, { daemonSet: { namespace } }) =>
    (isAgentReady
      ? 'NMI on this node is ready, but its canary is not: calls of pods do not get to NMI, or the canary does not run'
      : 'the canary of NMI on this node is not ready, and neither is NMI: no pod of this node gets a token') +
    `. Its log says what answers: kubectl logs -n ${namespace} ${pod}`,
  missing: (_, { daemonSet: { namespace, name } }) =>
    `this node has NMI and no canary: whether calls of its pods get to NMI is not known. See kubectl describe daemonset -n ${namespace} ` +
    `${name}: its tolerations and node selector must be those of NMI`,
};

const taintStays = '. The start-up taint of this node stays until the canary is ready';
