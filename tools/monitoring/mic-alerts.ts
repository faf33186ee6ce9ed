// The alerts about MIC. With --operation-mode=managed there is no MIC: leave its group out.
import type { Alert } from './alert.ts';

/** 80 % of the memory limit of the manifest, 640 MiB. */
const micMemory = 0.8 * 640 * 1024 * 1024;

const leadership: readonly Alert[] = [
  {
    name: 'PodIdentityMicDown',
    severity: 'critical',
    expr: 'absent(up{job="mic"} == 1)',
    for: '5m',
    summary: 'No MIC responds.',
    description:
      'Pods that run keep their tokens; new pods get none unless their node has the identity already.',
  },
  {
    name: 'PodIdentityMicNoLeader',
    severity: 'critical',
    expr: 'sum(aadpodidentity_mic_leader) == 0',
    for: '3m',
    summary: 'No MIC leads.',
    description:
      'MIC runs, but none holds the Lease, or its holder has not read the cluster: nothing is assigned or removed.',
  },
  {
    name: 'PodIdentityMicTwoLeaders',
    severity: 'critical',
    expr: 'sum(aadpodidentity_mic_leader) > 1',
    for: '2m',
    summary: '{{ $value }} MICs lead at the same time.',
    description: 'They hold different Leases, and overwrite each other’s changes.',
  },
  {
    name: 'PodIdentityMicLeaderChanges',
    severity: 'warning',
    expr: 'sum(increase(aadpodidentity_mic_new_leader_election_count[1h])) > 4',
    for: '0s',
    summary: 'The leader of MIC changes often.',
    description: '{{ printf "%.0f" $value }} times in an hour. Each change delays assignments.',
  },
  {
    // A leader that ends is not seen by the alert before: the counter of its next process is 1 at the first scrape, which is no increase.
    name: 'PodIdentityMicRestarts',
    severity: 'warning',
    expr: 'sum(changes(process_start_time_seconds{job="mic"}[1h])) > 4',
    for: '0s',
    summary: 'MIC ends again and again.',
    description:
      'It started {{ printf "%.0f" $value }} times in an hour. Each change of the leader delays assignments.',
  },
  {
    name: 'PodIdentityOriginalRunning',
    severity: 'critical',
    expr: 'aadpodidentity_mic_original_running == 1',
    for: '1m',
    summary: 'The original’s MIC runs beside this one.',
    description: 'They write and delete each other’s objects and identities.',
  },
];

const azure: readonly Alert[] = [
  {
    name: 'PodIdentityArmThrottled',
    severity: 'warning',
    expr: 'max(aadpodidentity_mic_throttled_hosts) > 0',
    for: '15m',
    summary: 'Azure throttles MIC.',
    description: 'MIC does not call {{ $value }} hosts for a while: their new pods wait for identities.',
  },
  {
    name: 'PodIdentityArmDenied',
    severity: 'critical',
    expr: 'sum by (operation) (increase(aadpodidentity_mic_arm_calls_total{result="denied"}[15m])) > 0',
    for: '5m',
    summary: 'Azure refuses MIC ({{ $labels.operation }}).',
    description: 'A role assignment is missing, or the credential of MIC is not valid any more.',
  },
  {
    name: 'PodIdentityArmFails',
    severity: 'warning',
    expr: 'sum by (operation, result) (rate(aadpodidentity_mic_arm_calls_total{result=~"unavailable|failed"}[10m])) > 0.02',
    for: '10m',
    summary: 'Calls of MIC to Azure fail ({{ $labels.operation }}: {{ $labels.result }}).',
    description: '{{ printf "%.2f" $value }} calls a second. New pods wait for identities.',
  },
  {
    name: 'PodIdentityArmLateFailures',
    severity: 'warning',
    expr: 'sum(increase(aadpodidentity_mic_arm_calls_total{operation="operation_get", result=~"failed|rejected"}[1h])) > 3',
    for: '0s',
    summary: 'Azure accepts updates of hosts and fails them later.',
    description:
      '{{ printf "%.0f" $value }} in an hour: an identity or an extension of a machine is broken, and all namespaces of the host wait.',
  },
  {
    name: 'PodIdentityIdentitiesRejected',
    severity: 'warning',
    expr: 'max(aadpodidentity_mic_quarantined_identities) > 0',
    for: '30m',
    summary: 'Azure rejects {{ $value }} identities.',
    description: 'AzureIdentities name managed identities that do not exist, or that MIC may not assign.',
  },
];

const work: readonly Alert[] = [
  {
    name: 'PodIdentityAssignmentsSlow',
    severity: 'warning',
    expr: 'histogram_quantile(0.9, sum by (le) (rate(aadpodidentity_mic_pod_assigned_duration_seconds_bucket[30m]))) > 120',
    for: '15m',
    summary: 'Assignments take long.',
    description: 'One in ten pods gets its identity only after {{ printf "%.0f" $value }} s or more.',
  },
  {
    name: 'PodIdentityMicStuck',
    severity: 'critical',
    // 10 minutes and 20 are 30. Of a new series the window has only what there is: on a first install one slow change of a scale set would
    // be enough after a minute.
    expr: 'sum by (lane) (min_over_time(aadpodidentity_mic_host_queue_depth[10m])) > 0 and on () sum(increase(aadpodidentity_mic_cycle_count[10m])) == 0',
    for: '20m',
    summary: 'MIC has work, and does none (lane {{ $labels.lane }}).',
    description: '{{ $value }} hosts have waited for 30 minutes, and no pass over a host has ended.',
  },
  {
    name: 'PodIdentityMicWritesFail',
    severity: 'warning',
    expr: 'sum by (operation_type) (rate(aadpodidentity_kubernetes_api_operations_errors_count{job="mic"}[10m])) > 0.1',
    for: '10m',
    summary: 'MIC cannot write to the API server ({{ $labels.operation_type }}).',
    description: '{{ printf "%.1f" $value }} writes a second fail.',
  },
  {
    name: 'PodIdentityMicAccessUnanswered',
    severity: 'warning',
    expr: 'sum(rate(aadpodidentity_mic_access_reviews_total{result="unanswered"}[10m])) > 0.1',
    for: '10m',
    summary: 'The API server does not answer the access reviews of MIC.',
    description: 'Identities stay where they are; no new right takes effect.',
  },
  {
    name: 'PodIdentityAccessMissing',
    severity: 'info',
    // A former leader keeps the last figures that it knows.
    expr: 'max(aadpodidentity_mic_access_pairs{verdict="denied"} and on (instance) aadpodidentity_mic_leader == 1) > 0',
    for: '1h',
    summary: '{{ $value }} pairs of a ServiceAccount and an identity lack the right.',
    description:
      'In mode rbac their pods get no token; in mode warn they would not. kubectl azure-pod-identity access -A lists them.',
  },
  {
    name: 'PodIdentityMicWatchSilent',
    severity: 'warning',
    expr: 'max by (instance) (aadpodidentity_mic_watch_age_seconds) > 120',
    for: '2m',
    summary: 'MIC on {{ $labels.instance }} gets no news from the API server.',
    description: 'A watch has been silent for {{ printf "%.0f" $value }} s: new pods are not seen.',
  },
  {
    name: 'PodIdentityMicMemory',
    severity: 'warning',
    expr: `process_resident_memory_bytes{job="mic"} > ${micMemory}`,
    for: '15m',
    summary: 'MIC on {{ $labels.instance }} uses much memory.',
    description: '{{ $value | humanize1024 }}B of its limit of 640 MiB. At the limit the kernel ends it.',
  },
];

export const micAlerts: readonly Alert[] = [...leadership, ...azure, ...work];
