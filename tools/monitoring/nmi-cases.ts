// For each alert about NMI worlds in which it fires, and some close to them in which it does not.
import { MiB, mic, nmi, observed, started, type Case } from './case.ts';

const outcome = (kind: string) => nmi('outcomes_total', `,outcome="${kind}"`);
const outcomeOn = (instance: string, kind: string) =>
  `aadpodidentity_nmi_outcomes_total{job="nmi",instance="${instance}",outcome="${kind}"}`;
/** As kube-state-metrics reports a DaemonSet. */
const daemonSet = (field: string, namespace = 'aad-pod-identity', name = 'nmi') =>
  `kube_daemonset_status_${field}{job="kube-state-metrics",instance="k1",namespace="${namespace}",daemonset="${name}"}`;

export const nmiCases: Readonly<Record<string, Case>> = {
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
  PodIdentityNmiNotOnEveryNode: {
    fires: {
      [daemonSet('desired_number_scheduled')]: '3x90',
      [daemonSet('number_ready')]: '2x90',
    },
    quiet: [
      { [daemonSet('desired_number_scheduled')]: '3x87 4x3', [daemonSet('number_ready')]: '3x90' },
      // Another DaemonSet, and the original's.
      {
        [daemonSet('desired_number_scheduled', 'kube-system', 'other')]: '3x90',
        [daemonSet('number_ready', 'kube-system', 'other')]: '2x90',
        [daemonSet('desired_number_scheduled', 'default')]: '3x90',
        [daemonSet('number_ready', 'default')]: '2x90',
      },
    ],
  },
  PodIdentityNmiUpdateStuck: {
    fires: {
      [daemonSet('desired_number_scheduled')]: '3x90',
      [daemonSet('updated_number_scheduled')]: '3x30 0x60',
    },
    quiet: [
      // A node every five minutes.
      {
        [daemonSet('desired_number_scheduled')]: '30x90',
        [daemonSet('updated_number_scheduled')]:
          '0x4 1x4 2x4 3x4 4x4 5x4 6x4 7x4 8x4 9x4 10x4 11x4 12x4 13x4 14x4 15x4 16x4 17x4',
      },
      {
        [daemonSet('desired_number_scheduled')]: '3x90',
        [daemonSet('updated_number_scheduled')]: '3x90',
      },
    ],
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
  PodIdentityTokensFailEverywhere: {
    // Nodes with one request in 100 seconds each, of which all fail.
    fires: {
      [outcomeOn('n1', 'token-failed')]: '0+0.6x90',
      [outcomeOn('n2', 'token-failed')]: '0+0.6x90',
      [outcomeOn('n3', 'token-failed')]: '0+0.6x90',
      [outcomeOn('n1', 'token')]: '0+1x70 70x20',
    },
    quiet: [
      // Few of many.
      {
        [outcomeOn('n1', 'token-failed')]: '0+1x90',
        [outcomeOn('n2', 'token-failed')]: '0+1x90',
        [outcomeOn('n3', 'token')]: '0+60x90',
      },
      // One pod with a wrong identity in a quiet cluster.
      {
        [outcomeOn('n1', 'token-failed')]: '0+3x90',
        [outcomeOn('n2', 'token-failed')]: '0x90',
        [outcomeOn('n2', 'token')]: '0+1x90',
      },
      // Two failures in an hour.
      { [outcomeOn('n1', 'token-failed')]: '0x88 1x2', [outcomeOn('n2', 'token-failed')]: '0x88 1x2' },
    ],
  },
  PodIdentityCallersUnconfirmed: {
    fires: { [outcome('outdated')]: '0+12x90' },
    quiet: { [outcome('unconfirmed')]: '0+5x90', [outcome('outdated')]: '0+5x90' },
  },
  PodIdentityNotAssigned: {
    // One pod, held for 25 seconds each time.
    fires: { [outcome('not-assigned')]: '0+2x90' },
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
    quiet: { [nmi('limited_total', ',effect="evicted"')]: '0+120x90' },
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
    fires: { [nmi('watch_age_seconds', ',kind="pods"')]: '150x90' },
    quiet: {
      [nmi('watch_age_seconds', ',kind="pods"')]: '80x90',
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
  PodIdentityNmiRestarts: {
    fires: { [started('nmi', 'n1')]: '1000x40 2000x10 3000x10 4000x10 5000x20' },
    quiet: [
      {
        [started('nmi', 'n1')]: '1000x60 2000x10 3000x20',
        [started('nmi', 'n2')]: '1000x60 2000x10 3000x20',
      },
      { [started('prometheus', 'p1')]: '1000x40 2000x10 3000x10 4000x10 5000x20' },
    ],
  },
  PodIdentityBusy: {
    fires: { 'nodejs_eventloop_lag_p99_seconds{job="nmi",instance="n1"}': '2x90' },
    quiet: { 'nodejs_eventloop_lag_p99_seconds{job="nmi",instance="n1"}': '0.2x90' },
  },
};
