import { droppedFlag, klogFlags, value, type FlagValues } from '@pod-identity/kit/core';
import { agentFlags, interceptionFlags } from './flags/agent.ts';
import { brokerServiceFlags } from './flags/broker-service.ts';
import { accessFlags, requestFlags, rulesFlags } from './flags/pods.ts';

const { text, truth, integer } = value;
const atLeast0 = integer(0, { min: 0 });
const micException =
  'no pod is exempt as MIC: an AzurePodIdentityException exempts those of the original in the pod network';
const metadataErrors = 'errors are those of the metadata service';

/** Every flag, those of the original and of our first manifests included: they start this program unchanged. */
export const nmiFlags = {
  settings: {
    ...agentFlags,
    ...rulesFlags,
    ...accessFlags,
    ...requestFlags,
    ...interceptionFlags,
    ...brokerServiceFlags,
  },
  dropped: [
    droppedFlag('retry-attempts-for-created', atLeast0, 'see --hold'),
    droppedFlag('retry-attempts-for-assigned', atLeast0, 'see --hold'),
    droppedFlag('find-identity-retry-interval', atLeast0, 'see --hold'),
    droppedFlag('allow-network-plugin-kubenet', truth(false), 'the kubelet configuration is not read'),
    droppedFlag('kubelet-config', text(), 'the kubelet configuration is not read'),
    droppedFlag('firewall', text('auto'), 'the rules are those of nftables'),
    droppedFlag('pod-check', text('live'), 'a pod is checked as with live'),
    droppedFlag('set-retry-after-header', truth(false), 'Retry-After is always sent'),
    droppedFlag('compat-errors', truth(false, 'status'), metadataErrors),
    droppedFlag('exact-errors', truth(false), metadataErrors),
    droppedFlag('MICNamespace', text(), micException),
    droppedFlag('mic-service-account', text(), micException),
    droppedFlag('mic-labels', value.list(), micException),
    droppedFlag('custom-user-agent', text(), 'the user agent is fixed'),
    droppedFlag('enableProfile', truth(false), 'there is no profiling port; Node has --inspect'),
    ...klogFlags,
  ],
};

export type NmiFlagValues = FlagValues<(typeof nmiFlags)['settings']>;
