// All metrics of MIC. Names of the original are kept if the meaning is the same.
import type { MetricSpec } from '@pod-identity/kit/core';

const short = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 3, 4, 5, 10];
const long = [0.5, 1, 5, 10, 30, 60, 120, 300, 600, 900, 1200];
const untilAssigned = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

const hostOperations = ['vm_get', 'vm_update', 'vmss_get', 'vmss_update'] as const;
const armCall = {
  operation: [...hostOperations, 'operation_get'],
  result: ['ok', 'rejected', 'throttled', 'busy', 'gone', 'denied', 'unavailable', 'failed', 'aborted'],
} as const;
const kubeOperation = {
  operation_type: [
    'assigned_identity_addition',
    'assigned_identity_update',
    'assigned_identity_deletion',
    'update_azure_assigned_identity_status',
  ],
} as const;
const hostOperation = { operation_type: hostOperations } as const;
const queue = { lane: ['objects', 'azure'] } as const;
const watch = {
  kind: [
    'pods',
    'nodes',
    'azureidentities',
    'azureidentitybindings',
    'azureassignedidentities',
    'namespaces',
  ],
} as const;

const named = (name: string, help: string) => ({ name: `aadpodidentity_${name}`, help });
const counter = (name: string, help: string) => ({ kind: 'counter', ...named(name, help) }) as const;
const gauge = (name: string, help: string) => ({ kind: 'gauge', ...named(name, help) }) as const;
const seconds = (name: string, buckets: readonly number[], help: string) =>
  ({ kind: 'histogram', ...named(name, help), buckets }) as const;

export const micMetrics = {
  additions: counter('assigned_identity_addition_count', 'AzureAssignedIdentities created.'),
  additionSeconds: seconds(
    'assigned_identity_addition_duration_seconds',
    short,
    'Time to create an AzureAssignedIdentity.',
  ),
  updates: counter('assigned_identity_update_count', 'AzureAssignedIdentities updated.'),
  updateSeconds: seconds(
    'assigned_identity_update_duration_seconds',
    short,
    'Time to update an AzureAssignedIdentity.',
  ),
  deletions: counter('assigned_identity_deletion_count', 'AzureAssignedIdentities deleted.'),
  deletionSeconds: seconds(
    'assigned_identity_deletion_duration_seconds',
    short,
    'Time to delete an AzureAssignedIdentity.',
  ),
  cycles: counter('mic_cycle_count', 'Passes over one host that had work to do.'),
  cycleSeconds: seconds(
    'mic_cycle_duration_seconds',
    long,
    'Time of a pass over one host that had work to do.',
  ),
  elections: counter('mic_new_leader_election_count', 'Terms that this process won.'),
  cloudErrors: {
    ...counter('cloud_provider_operations_errors_count', 'Reads and changes of hosts that failed.'),
    labels: hostOperation,
  },
  cloudSeconds: {
    ...seconds(
      'cloud_provider_operations_duration_seconds',
      long,
      'Time of reads and changes of hosts that succeeded.',
    ),
    labels: hostOperation,
  },
  kubeErrors: {
    ...counter('kubernetes_api_operations_errors_count', 'Writes to the API server that failed.'),
    labels: kubeOperation,
  },
  armCalls: {
    ...counter('mic_arm_calls_total', 'Calls to Azure Resource Manager by result.'),
    labels: armCall,
  },
  queueDepth: {
    ...gauge('mic_host_queue_depth', 'Hosts that wait for processing or are being processed.'),
    labels: queue,
  },
  throttledHosts: gauge(
    'mic_throttled_hosts',
    'Hosts that MIC does not call for a while because Azure throttles them.',
  ),
  throttledUntil: gauge(
    'mic_throttled_until_seconds',
    'When MIC may call the last throttled host again, in seconds since the epoch; 0 if none is throttled.',
  ),
  quarantined: gauge(
    'mic_quarantined_identities',
    'Identities that Azure rejected and that MIC retries later.',
  ),
  assignSeconds: seconds(
    'mic_pod_assigned_duration_seconds',
    untilAssigned,
    'Time from when MIC sees a pod with a node until its identity is Assigned.',
  ),
  watchAgeSeconds: {
    ...gauge(
      'mic_watch_age_seconds',
      'Seconds since the API server last showed that the watch is alive; -1 before the first time.',
    ),
    labels: watch,
  },
  wholeNamespaces: {
    ...gauge(
      'mic_whole_namespaces',
      'Namespaces with bindings that need all their pods, by the watch that covers them; none: not listed yet.',
    ),
    labels: { watch: ['namespace', 'cluster', 'none'] },
  },
  fullNamespaces: {
    ...gauge(
      'mic_full_namespaces',
      'Namespaces with more objects of a kind than --namespace-share holds, of which only the oldest count.',
    ),
    labels: { kind: ['azureidentities', 'azureidentitybindings'] },
  },
  labelsLeftOut: gauge(
    'mic_pod_labels_left_out',
    'Pods whose labels MIC has no room for, so that no podSelector selects them.',
  ),
  accessMode: {
    ...gauge('mic_identity_access', '1 for the mode of --identity-access.'),
    labels: { mode: ['namespace', 'warn', 'rbac'] },
  },
  accessPairs: {
    ...gauge(
      'mic_access_pairs',
      'Pairs of a ServiceAccount and an Azure identity that its pods need, by what the API server said last.',
    ),
    labels: { verdict: ['allowed', 'denied', 'unknown'] },
  },
  accessLeftOut: gauge(
    'mic_access_left_out',
    'Groups of pods whose rights MIC does not ask about, because their namespace needs too many; one group has the same ServiceAccount and bindings.',
  ),
  accessReviews: {
    ...counter('mic_access_reviews_total', 'Questions to the API server about rights on Azure identities.'),
    labels: { result: ['allowed', 'refused', 'unanswered'] },
  },
  linesLost: counter(
    'mic_lines_lost_total',
    'Log lines that were dropped because the reader of standard output was more than 1 MiB behind, or is gone.',
  ),
  leader: gauge('mic_leader', '1 while this process leads.'),
  originalRunning: gauge(
    'mic_original_running',
    "1 while this process leads and the original's MIC renews its lock too: they overwrite each other's changes.",
  ),
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type MicMetricSpecs = typeof micMetrics;
