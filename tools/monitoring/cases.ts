// For each alert a world in which it fires, and one close to it in which it does not. In promtool's notation of series: `1x90` is 1 for 90
// minutes, `0+6x90` grows by 6 a minute, `_x90` is no sample.

export type Series = Readonly<Record<string, string>>;

export interface Case {
  readonly fires: Series;
  readonly quiet: Series;
}

const nmi = (name: string, labels = '') => `aadpodidentity_nmi_${name}{job="nmi",instance="n1"${labels}}`;
const mic = (name: string, labels = '') => `aadpodidentity_mic_${name}{job="mic",instance="m1"${labels}}`;
const outcome = (kind: string) => nmi('outcomes_total', `,outcome="${kind}"`);
/** A histogram whose observations all lie between two bounds, six a minute. */
const observed = (name: string, labels: string, [below, upTo]: readonly [string, string]): Series => ({
  [`${name}_bucket{${labels},le="${below}"}`]: '0x90',
  [`${name}_bucket{${labels},le="${upTo}"}`]: '0+6x90',
  [`${name}_bucket{${labels},le="+Inf"}`]: '0+6x90',
});
const MiB = 1024 * 1024;

/** One node and two MICs without a problem. Each case changes some of these series, and adds its own. */
export const healthy: Series = {
  'up{job="nmi",instance="n1"}': '1x90',
  'up{job="mic",instance="m1"}': '1x90',
  [nmi('ready')]: '1x90',
  [mic('leader')]: '1x90',
  'aadpodidentity_mic_leader{job="mic",instance="m2"}': '0x90',
  [mic('cycle_count')]: '0+1x90',
};

const nmiCases: Readonly<Record<string, Case>> = {
  PodIdentityNmiDown: {
    fires: { 'up{job="nmi",instance="n1"}': '0x90' },
    quiet: { 'up{job="nmi",instance="n1"}': '1x85 0 0 1x90' },
  },
  PodIdentityNmiMissing: {
    fires: { 'up{job="nmi",instance="n1"}': '_x90' },
    quiet: { 'up{job="nmi",instance="n2"}': '1x90', 'up{job="nmi",instance="n1"}': '_x90' },
  },
  PodIdentityNmiNotReady: {
    fires: { [nmi('ready')]: '0x90' },
    quiet: { [nmi('ready')]: '1x87 0 0 0' },
  },
  PodIdentityForeignListener: {
    fires: { [nmi('foreign_listeners')]: '1x90' },
    quiet: { [nmi('foreign_listeners')]: '0x90' },
  },
  PodIdentityRulesReplaced: {
    fires: { [nmi('rules_repaired_total')]: '0x80 1x10' },
    quiet: { [nmi('rules_repaired_total')]: '0x30 1x60' },
  },
  PodIdentityNeighbourChanges: {
    fires: { [nmi('neighbour_changes_total')]: '0+2x90' },
    quiet: { [nmi('neighbour_changes_total')]: '0+1x90' },
  },
  PodIdentityTokensFail: {
    fires: { [outcome('token-failed')]: '0+12x90' },
    quiet: { [outcome('token-failed')]: '0+5x90', [outcome('token')]: '0+600x90' },
  },
  PodIdentityCallersUnconfirmed: {
    fires: { [outcome('outdated')]: '0+12x90' },
    quiet: { [outcome('unconfirmed')]: '0+5x90', [outcome('outdated')]: '0+5x90' },
  },
  PodIdentityNotAssigned: {
    fires: { [outcome('not-assigned')]: '0+6x90' },
    quiet: { [outcome('not-assigned')]: '0+1x90' },
  },
  PodIdentityAssignmentWaitsLong: {
    fires: observed('aadpodidentity_nmi_assignment_wait_seconds', 'job="nmi",instance="n1"', ['10', '20']),
    quiet: observed('aadpodidentity_nmi_assignment_wait_seconds', 'job="nmi",instance="n1"', ['3', '5']),
  },
  PodIdentityTokensSlow: {
    fires: observed(
      'aadpodidentity_nmi_operations_duration_seconds',
      'job="nmi",instance="n1",operation_type="token",status_code="200"',
      ['1', '2'],
    ),
    quiet: observed(
      'aadpodidentity_nmi_operations_duration_seconds',
      'job="nmi",instance="n1",operation_type="token",status_code="503"',
      ['20', '30'],
    ),
  },
  PodIdentityDenied: {
    fires: { [outcome('denied')]: '0+60x90' },
    quiet: { [outcome('denied')]: '0+20x90' },
  },
  PodIdentityCallersLimited: {
    fires: { [nmi('limited_total', ',effect="refused"')]: '0+120x90' },
    quiet: { [nmi('limited_total', ',effect="paused"')]: '0+120x90' },
  },
  PodIdentityManyWait: {
    fires: { [nmi('waiting_callers')]: '1800x90' },
    quiet: { [nmi('waiting_callers')]: '1200x90' },
  },
  PodIdentityNmiCrashes: {
    fires: { [outcome('crashed')]: '0x80 1x10' },
    quiet: { [outcome('crashed')]: '3x90' },
  },
  PodIdentityAccessUnanswered: {
    fires: { [nmi('access_reviews_total', ',verdict="unanswered"')]: '0+12x90' },
    quiet: { [nmi('access_reviews_total', ',verdict="denied"')]: '0+12x90' },
  },
  PodIdentityAccessWarnings: {
    fires: { [nmi('access_warnings_total')]: '0+1x90' },
    quiet: { [nmi('access_warnings_total')]: '0+1x20 20x70' },
  },
  PodIdentityAccessByNamespace: {
    fires: { [nmi('identity_access', ',mode="namespace"')]: '1x90' },
    quiet: { [nmi('identity_access', ',mode="rbac"')]: '1x90' },
  },
  PodIdentityAccessModesDiffer: {
    fires: {
      [nmi('identity_access', ',mode="rbac"')]: '1x90',
      [mic('identity_access', ',mode="warn"')]: '1x90',
    },
    quiet: {
      [nmi('identity_access', ',mode="rbac"')]: '1x90',
      [mic('identity_access', ',mode="rbac"')]: '1x90',
    },
  },
  PodIdentityNmiWatchSilent: {
    fires: { [nmi('watch_age_seconds', ',kind="pods"')]: '90x90' },
    quiet: {
      [nmi('watch_age_seconds', ',kind="pods"')]: '29x90',
      [nmi('watch_age_seconds', ',kind="namespaces"')]: '-1x90',
    },
  },
  PodIdentityAuditIncomplete: {
    fires: { [nmi('lines_lost_total')]: '0x80 40x10' },
    quiet: { [nmi('lines_lost_total')]: '40x90', [mic('lines_lost_total')]: '0x90' },
  },
  PodIdentityNmiMemory: {
    fires: { 'process_resident_memory_bytes{job="nmi",instance="n1"}': `${450 * MiB}x90` },
    quiet: {
      'process_resident_memory_bytes{job="nmi",instance="n1"}': `${300 * MiB}x90`,
      'process_resident_memory_bytes{job="prometheus",instance="p1"}': `${900 * MiB}x90`,
    },
  },
  PodIdentityBusy: {
    fires: { 'nodejs_eventloop_lag_p99_seconds{job="nmi",instance="n1"}': '2x90' },
    quiet: { 'nodejs_eventloop_lag_p99_seconds{job="nmi",instance="n1"}': '0.2x90' },
  },
};

const micCases: Readonly<Record<string, Case>> = {
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
    quiet: { [mic('host_queue_depth', ',lane="azure"')]: '3x90' },
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
    fires: { [mic('watch_age_seconds', ',kind="pods"')]: '90x90' },
    quiet: { [mic('watch_age_seconds', ',kind="pods"')]: '29x90' },
  },
  PodIdentityMicMemory: {
    fires: { 'process_resident_memory_bytes{job="mic",instance="m1"}': `${600 * MiB}x90` },
    quiet: { 'process_resident_memory_bytes{job="mic",instance="m1"}': `${400 * MiB}x90` },
  },
  PodIdentityCanaryNotReady: {
    fires: { [mic('canary_nodes', ',state="not-ready"')]: '1x90' },
    quiet: {
      [mic('canary_nodes', ',state="not-ready"')]: '0x86 1 1 1',
      [mic('canary_nodes', ',state="ready"')]: '3x90',
    },
  },
  PodIdentityCanaryMissing: {
    fires: { [mic('canary_nodes', ',state="missing"')]: '1x90' },
    quiet: { [mic('canary_nodes', ',state="missing"')]: '0x80 1x9' },
  },
};

export const cases: Readonly<Record<string, Case>> = { ...nmiCases, ...micCases };
