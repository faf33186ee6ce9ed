// The alerts about NMI. `instance` is the node's address, by which deploy/monitoring scrapes it.
import type { Alert } from './alert.ts';

/** 80 % of the memory limit of the manifest, 512 MiB. */
const nmiMemory = 0.8 * 512 * 1024 * 1024;

/** Outcomes whose cause is the API server: it does not confirm pods, or has reported nothing for too long. */
const unconfirmed = 'unconfirmed|outdated|starting';

const nmiDaemonSet = '{namespace="aad-pod-identity", daemonset="nmi"}';

/** Requests a second that get no token, and all that may have one. */
const failing = 'rate(aadpodidentity_nmi_outcomes_total{outcome="token-failed"}[10m])';
const allowed = 'rate(aadpodidentity_nmi_outcomes_total{outcome=~"token|token-failed"}[10m])';

const available: readonly Alert[] = [
  {
    name: 'PodIdentityNmiDown',
    severity: 'critical',
    expr: 'up{job="nmi"} == 0',
    for: '3m',
    summary: 'NMI on {{ $labels.instance }} does not respond.',
    description: 'If NMI does not run there, no pod of the node gets a token: its calls are refused.',
  },
  {
    name: 'PodIdentityNmiMissing',
    severity: 'critical',
    expr: 'absent(up{job="nmi"})',
    for: '10m',
    summary: 'Prometheus finds no NMI at all.',
    description: 'The DaemonSet is gone, or nothing scrapes it: then no other alert about NMI can fire.',
  },
  {
    name: 'PodIdentityNmiNotReady',
    severity: 'critical',
    expr: 'aadpodidentity_nmi_ready == 0',
    for: '3m',
    summary: 'NMI on {{ $labels.instance }} is not ready.',
    description:
      'Calls of pods may not reach it, or it does not know the cluster. /readyz says what is wrong.',
  },
  {
    name: 'PodIdentityNmiNotOnEveryNode',
    severity: 'critical',
    expr: `kube_daemonset_status_desired_number_scheduled${nmiDaemonSet} - kube_daemonset_status_number_ready${nmiDaemonSet} > 0`,
    for: '10m',
    summary: '{{ $value }} nodes that should have a ready NMI have none.',
    description:
      'If NMI has not run on a node since its start, pods there reach the metadata service, and every identity of the machine.',
  },
  {
    name: 'PodIdentityNmiUpdateStuck',
    severity: 'warning',
    expr: `kube_daemonset_status_desired_number_scheduled${nmiDaemonSet} - kube_daemonset_status_updated_number_scheduled${nmiDaemonSet} > 0 and changes(kube_daemonset_status_updated_number_scheduled${nmiDaemonSet}[20m]) == 0`,
    for: '10m',
    summary: 'The update of NMI does not go on: {{ $value }} nodes have the earlier NMI.',
    description: 'The new NMI is not ready on a node. With surge the earlier one serves there meanwhile.',
  },
  {
    name: 'PodIdentityRulesReplaced',
    severity: 'warning',
    expr: 'increase(aadpodidentity_nmi_rules_repaired_total[15m]) > 0',
    for: '0s',
    summary: 'Another program changed the redirect rules on {{ $labels.instance }}.',
    description:
      'NMI has put them right. If it happens again and again, calls of pods fail for up to 5 seconds each time.',
  },
  {
    name: 'PodIdentityNeighbourChanges',
    severity: 'warning',
    expr: 'increase(aadpodidentity_nmi_neighbour_changes_total[15m]) > 20',
    for: '0s',
    summary: 'Addresses of pods on {{ $labels.instance }} move often in the kernel’s neighbour table.',
    description:
      'More than {{ printf "%.0f" $value }} connections were closed for it in 15 minutes: a pod may manipulate ARP.',
  },
];

const requests: readonly Alert[] = [
  {
    name: 'PodIdentityTokensFail',
    severity: 'critical',
    expr: 'sum by (instance) (rate(aadpodidentity_nmi_outcomes_total{outcome="token-failed"}[5m])) > 0.1',
    for: '5m',
    summary: 'Azure gives NMI on {{ $labels.instance }} no tokens.',
    description:
      '{{ printf "%.2f" $value }} requests a second of allowed pods fail: see the reasons azure-*.',
  },
  {
    // The alert before sees one node: an outage of Entra that is spread thin over many quiet nodes is below its threshold on each. One pod
    // with a wrong identity has a large share of the requests of a quiet cluster, but is on one node.
    name: 'PodIdentityTokensFailEverywhere',
    severity: 'critical',
    expr: `sum(${failing}) > 0.2 * sum(${allowed}) and sum(${failing}) > 0.02 and count(sum by (instance) (${failing}) > 0) > 1`,
    for: '10m',
    summary: 'Azure gives NMI on several nodes no tokens.',
    description: '{{ printf "%.2f" $value }} requests a second of allowed pods fail, more than one in five.',
  },
  {
    name: 'PodIdentityCallersUnconfirmed',
    severity: 'critical',
    expr: `sum by (instance, outcome) (rate(aadpodidentity_nmi_outcomes_total{outcome=~"${unconfirmed}"}[5m])) > 0.1`,
    for: '5m',
    summary: 'NMI on {{ $labels.instance }} refuses pods because of the API server ({{ $labels.outcome }}).',
    description:
      '{{ printf "%.2f" $value }} requests a second get 503: the API server does not confirm whose they are.',
  },
  {
    name: 'PodIdentityNotAssigned',
    severity: 'warning',
    // One pod that asks again and again is held for 25 s each time: about 0.03 requests a second.
    expr: 'sum by (instance) (rate(aadpodidentity_nmi_outcomes_total{outcome="not-assigned"}[10m])) > 0.02',
    for: '10m',
    summary: 'Pods on {{ $labels.instance }} wait for identities that are not assigned.',
    description:
      '{{ printf "%.2f" $value }} requests a second end without an assignment: MIC or Azure does not attach them.',
  },
  {
    name: 'PodIdentityAssignmentWaitsLong',
    severity: 'warning',
    expr: 'histogram_quantile(0.9, sum by (le) (rate(aadpodidentity_nmi_assignment_wait_seconds_bucket[15m]))) > 10',
    for: '15m',
    summary: 'Requests wait long for the assignment of an identity.',
    description: 'One in ten waits {{ printf "%.0f" $value }} s or more, and clients may give up before.',
  },
  {
    name: 'PodIdentityTokensSlow',
    severity: 'warning',
    expr: 'histogram_quantile(0.5, sum by (le, instance) (rate(aadpodidentity_nmi_operations_duration_seconds_bucket{operation_type="token", status_code="200"}[10m]))) > 1',
    for: '10m',
    summary: 'NMI on {{ $labels.instance }} is slow.',
    description: 'Half of the tokens take {{ printf "%.1f" $value }} s or more.',
  },
  {
    name: 'PodIdentityDenied',
    severity: 'info',
    expr: 'sum by (instance) (rate(aadpodidentity_nmi_outcomes_total{outcome="denied"}[10m])) > 0.5',
    for: '15m',
    summary: 'Pods on {{ $labels.instance }} are refused often.',
    description:
      '{{ printf "%.1f" $value }} requests a second ask for an identity that their pod does not have.',
  },
  {
    name: 'PodIdentityCallersLimited',
    severity: 'warning',
    expr: 'sum by (instance, effect) (rate(aadpodidentity_nmi_limited_total{effect=~"refused|turned-away"}[5m])) > 1',
    for: '10m',
    summary: 'NMI on {{ $labels.instance }} limits callers ({{ $labels.effect }}).',
    description:
      '{{ printf "%.1f" $value }} times a second: a pod asks too much. Other pods keep their share.',
  },
  {
    name: 'PodIdentityManyWait',
    severity: 'warning',
    expr: 'aadpodidentity_nmi_waiting_callers > 1500',
    for: '5m',
    summary: 'Many requests wait at NMI on {{ $labels.instance }}.',
    description: '{{ $value }} of the 2048 places are taken; the next requests get 429.',
  },
  {
    name: 'PodIdentityNmiCrashes',
    severity: 'warning',
    expr: 'increase(aadpodidentity_nmi_outcomes_total{outcome="crashed"}[15m]) > 0',
    for: '0s',
    summary: 'NMI on {{ $labels.instance }} failed on a request: a bug.',
    description: 'The caller got 500. The log has the line “request failed”.',
  },
];

const rights: readonly Alert[] = [
  {
    name: 'PodIdentityAccessUnanswered',
    severity: 'critical',
    expr: 'sum by (instance) (rate(aadpodidentity_nmi_access_reviews_total{verdict="unanswered"}[5m])) > 0.1',
    for: '5m',
    summary: 'The API server does not answer the access reviews of NMI on {{ $labels.instance }}.',
    description: 'After --access-grace (10 minutes) pods get no tokens any more.',
  },
  {
    name: 'PodIdentityAccessWarnings',
    severity: 'info',
    expr: 'sum(increase(aadpodidentity_nmi_access_warnings_total[1h])) > 0',
    for: '0s',
    summary: 'Pods use identities that --identity-access=rbac would refuse.',
    description:
      '{{ printf "%.0f" $value }} requests in the last hour. Grant the rights before you change to rbac.',
  },
  {
    name: 'PodIdentityAccessByNamespace',
    severity: 'info',
    expr: 'max(aadpodidentity_nmi_identity_access{mode="namespace"}) == 1',
    for: '1h',
    summary: 'Whoever may write an AzureIdentity may use the identity that it names.',
    description:
      'NMI runs with --identity-access=namespace, the default. Silence this if it is what you want.',
  },
  {
    name: 'PodIdentityAccessModesDiffer',
    severity: 'warning',
    expr: 'count(count by (mode) (aadpodidentity_nmi_identity_access == 1 or aadpodidentity_mic_identity_access == 1)) > 1',
    for: '30m',
    summary: 'MIC and NMI, or two NMIs, run with different modes of --identity-access.',
    description: 'What one of them allows the other refuses. All must have the same mode.',
  },
];

const process: readonly Alert[] = [
  {
    name: 'PodIdentityNmiWatchSilent',
    severity: 'warning',
    expr: 'max by (instance) (aadpodidentity_nmi_watch_age_seconds) > 120',
    for: '2m',
    summary: 'NMI on {{ $labels.instance }} gets no news from the API server.',
    description:
      'A watch has been silent for {{ printf "%.0f" $value }} s. After 15 minutes (--pod-check-outage) pods get no tokens.',
  },
  {
    name: 'PodIdentityAuditIncomplete',
    severity: 'warning',
    expr: 'increase(aadpodidentity_nmi_lines_lost_total[15m]) > 0 or increase(aadpodidentity_mic_lines_lost_total[15m]) > 0',
    for: '0s',
    summary: 'Log lines of {{ $labels.job }} on {{ $labels.instance }} are lost.',
    description: '{{ printf "%.0f" $value }} lines in 15 minutes; the audit of tokens may be incomplete.',
  },
  {
    name: 'PodIdentityNmiMemory',
    severity: 'warning',
    expr: `process_resident_memory_bytes{job="nmi"} > ${nmiMemory}`,
    for: '15m',
    summary: 'NMI on {{ $labels.instance }} uses much memory.',
    description: '{{ $value | humanize1024 }}B of its limit of 512 MiB. At the limit the kernel ends it.',
  },
  {
    name: 'PodIdentityNmiRestarts',
    severity: 'warning',
    expr: 'changes(process_start_time_seconds{job="nmi"}[1h]) > 3',
    for: '0s',
    summary: 'NMI on {{ $labels.instance }} ends again and again.',
    description:
      'It started {{ printf "%.0f" $value }} times in an hour. Until it runs again, pods of the node get no token.',
  },
  {
    name: 'PodIdentityBusy',
    severity: 'warning',
    expr: 'nodejs_eventloop_lag_p99_seconds{job=~"nmi|mic"} > 1',
    for: '10m',
    summary: '{{ $labels.job }} on {{ $labels.instance }} gets too little processor time.',
    description: 'Work waits {{ printf "%.1f" $value }} s for its turn.',
  },
];

export const nmiAlerts: readonly Alert[] = [...available, ...requests, ...rights, ...process];
