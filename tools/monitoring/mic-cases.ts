// For each alert about MIC worlds in which it fires, and some close to them in which it does not.
import { MiB, mic, observed, started, type Case } from './case.ts';

export const micCases: Readonly<Record<string, Case>> = {
  PodIdentityMicDown: {
    fires: { 'up{job="mic",instance="m1"}': '0x90' },
    quiet: { 'up{job="mic",instance="m1"}': '0x90', 'up{job="mic",instance="m2"}': '1x90' },
  },
  PodIdentityMicNoLeader: {
    fires: { [mic('leader')]: '0x90' },
    quiet: { [mic('leader')]: '1x87 0 0 0' },
  },
  PodIdentityMicTwoLeaders: {
    fires: { 'aadpodidentity_mic_leader{job="mic",instance="m2"}': '1x90' },
    quiet: { 'aadpodidentity_mic_leader{job="mic",instance="m2"}': '0x88 1 0' },
  },
  PodIdentityMicLeaderChanges: {
    fires: { [mic('new_leader_election_count')]: '0x60 2x5 4x5 6x20' },
    quiet: { [mic('new_leader_election_count')]: '0x60 1x30' },
  },
  PodIdentityMicRestarts: {
    // Two that end in turn, each with a counter of elections that begins again at 1.
    fires: {
      [started('mic', 'm1')]: '1000x40 2000x20 3000x20 4000x9',
      [started('mic', 'm2')]: '1500x50 2500x20 3500x19',
      [mic('new_leader_election_count')]: '1x90',
    },
    // Two updates within an hour.
    quiet: {
      [started('mic', 'm1')]: '1000x40 2000x20 3000x30',
      [started('mic', 'm2')]: '1500x40 2500x20 3500x30',
    },
  },
  PodIdentityOriginalRunning: {
    fires: { [mic('original_running')]: '1x90' },
    quiet: { [mic('original_running')]: '0x90' },
  },
  PodIdentityArmThrottled: {
    fires: { [mic('throttled_hosts')]: '2x90' },
    quiet: { [mic('throttled_hosts')]: '0x80 2x10' },
  },
  PodIdentityArmDenied: {
    fires: { [mic('arm_calls_total', ',operation="vmss_update",result="denied"')]: '0+1x90' },
    quiet: { [mic('arm_calls_total', ',operation="vmss_update",result="denied"')]: '4x90' },
  },
  PodIdentityArmFails: {
    fires: { [mic('arm_calls_total', ',operation="vmss_get",result="unavailable"')]: '0+3x90' },
    quiet: { [mic('arm_calls_total', ',operation="vmss_get",result="ok"')]: '0+3x90' },
  },
  PodIdentityArmLateFailures: {
    fires: { [mic('arm_calls_total', ',operation="operation_get",result="failed"')]: '0+1x50 50x40' },
    quiet: { [mic('arm_calls_total', ',operation="operation_get",result="failed"')]: '0x60 1x15 2x15' },
  },
  PodIdentityIdentitiesRejected: {
    fires: { [mic('quarantined_identities')]: '1x90' },
    quiet: { [mic('quarantined_identities')]: '0x70 1x20' },
  },
  PodIdentityAssignmentsSlow: {
    fires: observed('aadpodidentity_mic_pod_assigned_duration_seconds', 'job="mic",instance="m1"', [
      '120',
      '300',
    ]),
    quiet: observed('aadpodidentity_mic_pod_assigned_duration_seconds', 'job="mic",instance="m1"', [
      '30',
      '60',
    ]),
  },
  PodIdentityMicStuck: {
    fires: { [mic('host_queue_depth', ',lane="azure"')]: '3x90', [mic('cycle_count')]: '7x90' },
    quiet: [
      { [mic('host_queue_depth', ',lane="azure"')]: '3x90' },
      // A first install: the first change of a scale set takes minutes.
      { [mic('host_queue_depth', ',lane="azure"')]: '_x75 3x14', [mic('cycle_count')]: '_x75 0x14' },
    ],
  },
  PodIdentityMicWritesFail: {
    fires: {
      'aadpodidentity_kubernetes_api_operations_errors_count{job="mic",instance="m1",operation_type="assigned_identity_addition"}':
        '0+12x90',
    },
    quiet: {
      'aadpodidentity_kubernetes_api_operations_errors_count{job="nmi",instance="n1",operation_type="get_pod"}':
        '0+12x90',
    },
  },
  PodIdentityMicAccessUnanswered: {
    fires: { [mic('access_reviews_total', ',result="unanswered"')]: '0+12x90' },
    quiet: { [mic('access_reviews_total', ',result="refused"')]: '0+12x90' },
  },
  PodIdentityAccessMissing: {
    fires: { [mic('access_pairs', ',verdict="denied"')]: '2x90' },
    quiet: { 'aadpodidentity_mic_access_pairs{job="mic",instance="m2",verdict="denied"}': '2x90' },
  },
  PodIdentityMicWatchSilent: {
    fires: { [mic('watch_age_seconds', ',kind="pods"')]: '150x90' },
    quiet: { [mic('watch_age_seconds', ',kind="pods"')]: '80x90' },
  },
  PodIdentityMicMemory: {
    fires: { 'process_resident_memory_bytes{job="mic",instance="m1"}': `${600 * MiB}x90` },
    quiet: { 'process_resident_memory_bytes{job="mic",instance="m1"}': `${400 * MiB}x90` },
  },
};
