// What the dashboard shows, from the first glance to the details.
import type { Panel, Query, Row } from './dashboard.ts';

const nmi = (name: string, more = '') => `aadpodidentity_nmi_${name}{instance=~"$instance"${more}}`;
const rate = (series: string, by: string) => `sum by (${by}) (rate(${series}[$__rate_interval]))`;
const quantile = (q: number, buckets: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${buckets}[$__rate_interval])))`;
const quantiles = (buckets: string): readonly Query[] =>
  [0.5, 0.9, 0.99].map((q) => ({ expr: quantile(q, buckets), legend: `p${q * 100}` }));
const graph = (
  [title, unit, description]: readonly [string, Panel['unit'], string],
  queries: readonly Query[],
): Panel => ({ title, kind: 'timeseries', unit, description, queries });
const stat = (title: string, expr: string, more: Partial<Panel> & Pick<Panel, 'description'>): Panel => ({
  title,
  kind: 'stat',
  unit: 'none',
  queries: [{ expr, legend: '' }],
  ...more,
});

const glance: Row = {
  title: 'At a glance',
  panels: [
    stat(
      'Nodes whose NMI is not ready',
      'sum(aadpodidentity_nmi_ready == bool 0) + sum(up{job="nmi"} == bool 0)',
      {
        redFrom: 1,
        description: 'Pods on these nodes get no tokens.',
      },
    ),
    stat('MICs that lead', 'sum(aadpodidentity_mic_leader)', {
      redBelow: 1,
      description: 'One. With none nothing is assigned; with two they overwrite each other.',
    }),
    stat('Tokens a second', 'sum(rate(aadpodidentity_nmi_outcomes_total{outcome="token"}[5m]))', {
      unit: 'reqps',
      description: 'Tokens that pods got.',
    }),
    stat(
      'Failing for lack of Azure',
      'sum(rate(aadpodidentity_nmi_outcomes_total{outcome="token-failed"}[5m])) / sum(rate(aadpodidentity_nmi_outcomes_total[5m]))',
      {
        unit: 'percentunit',
        redFrom: 0.05,
        description: 'Share of requests of allowed pods for which Azure gave no token.',
      },
    ),
    stat('Requests that wait', 'sum(aadpodidentity_nmi_waiting_callers)', {
      description: 'Requests that wait for an assignment, a review or Azure.',
    }),
    stat('Identities that Azure rejects', 'max(aadpodidentity_mic_quarantined_identities)', {
      redFrom: 1,
      description: 'MIC tries them again later; kubectl get azureidentity shows which.',
    }),
  ],
};

const tokens: Row = {
  title: 'NMI: requests of pods',
  panels: [
    graph(
      ['Requests by outcome', 'reqps', 'docs/reference/errors.md explains each outcome.'],
      [{ expr: rate(nmi('outcomes_total'), 'outcome'), legend: '{{outcome}}' }],
    ),
    graph(
      ['Time of tokens', 's', 'From the arrival of a request to its response, of successful token requests.'],
      [
        ...quantiles(
          nmi('operations_duration_seconds_bucket', ', operation_type="token", status_code="200"'),
        ),
      ],
    ),
    graph(
      [
        'Where tokens come from',
        'reqps',
        'hit: the cache; miss: Azure; stale: the cache because Azure failed.',
      ],
      [{ expr: rate(nmi('token_cache_total'), 'result'), legend: '{{result}}' }],
    ),
    graph(
      [
        'Wait for assignments',
        's',
        'How long requests waited until their identity was assigned, or gave up.',
      ],
      [...quantiles(nmi('assignment_wait_seconds_bucket'))],
    ),
    graph(
      ['Callers over their limits', 'reqps', 'What NMI did to pods that ask too much.'],
      [{ expr: rate(nmi('limited_total'), 'effect'), legend: '{{effect}}' }],
    ),
    graph(
      [
        'Access reviews',
        'reqps',
        'Answers of the API server on rights to identities, and requests that rbac would refuse.',
      ],
      [
        { expr: rate(nmi('access_reviews_total'), 'verdict'), legend: '{{verdict}}' },
        { expr: rate(nmi('access_warnings_total'), 'job'), legend: 'would be refused' },
      ],
    ),
  ],
};

const upstream: Row = {
  title: 'NMI: what it depends on',
  panels: [
    graph(
      ['Metadata service and Entra: time', 's', 'Of successful token requests.'],
      [...quantiles('aadpodidentity_imds_operations_duration_seconds_bucket{instance=~"$instance"}')],
    ),
    graph(
      ['Metadata service and Entra: failures', 'reqps', 'By the kind of request.'],
      [
        {
          expr: rate('aadpodidentity_imds_operations_errors_count{instance=~"$instance"}', 'operation_type'),
          legend: '{{operation_type}}',
        },
      ],
    ),
    graph(
      ['Checks of pods with the API server', 'reqps', 'unanswered: the API server gave no usable response.'],
      [{ expr: rate(nmi('pod_checks_total'), 'result'), legend: '{{result}}' }],
    ),
    graph(
      ['Silence of watches', 's', 'A healthy watch is silent for 80 s at most.'],
      [
        { expr: `max by (kind) (${nmi('watch_age_seconds')})`, legend: 'NMI {{kind}}' },
        { expr: 'max by (kind) (aadpodidentity_mic_watch_age_seconds)', legend: 'MIC {{kind}}' },
      ],
    ),
    graph(
      ['Signs of interference', 'none', 'Rules that were put right, addresses that moved: in 15 minutes.'],
      [
        { expr: `sum(increase(${nmi('rules_repaired_total')}[15m]))`, legend: 'rules put right' },
        { expr: `sum(increase(${nmi('neighbour_changes_total')}[15m]))`, legend: 'neighbour changes' },
      ],
    ),
    graph(['Ready, by node', 'none', '1: ready.'], [{ expr: nmi('ready'), legend: '{{instance}}' }]),
  ],
};

const assignments: Row = {
  title: 'MIC: assignments',
  panels: [
    graph(
      [
        'Time until a pod has its identity',
        's',
        'From when MIC sees a pod on a node until its identity is Assigned.',
      ],
      [...quantiles('aadpodidentity_mic_pod_assigned_duration_seconds_bucket')],
    ),
    graph(
      ['Objects written', 'reqps', 'AzureAssignedIdentities.'],
      [
        { expr: rate('aadpodidentity_assigned_identity_addition_count', 'job'), legend: 'created' },
        { expr: rate('aadpodidentity_assigned_identity_update_count', 'job'), legend: 'updated' },
        { expr: rate('aadpodidentity_assigned_identity_deletion_count', 'job'), legend: 'deleted' },
        {
          expr: rate('aadpodidentity_kubernetes_api_operations_errors_count{job="mic"}', 'job'),
          legend: 'failed',
        },
      ],
    ),
    graph(
      ['Hosts in work', 'none', 'Hosts that wait or are being processed, in each lane.'],
      [{ expr: 'sum by (lane) (aadpodidentity_mic_host_queue_depth)', legend: '{{lane}}' }],
    ),
    graph(
      ['Calls to Azure Resource Manager', 'reqps', 'By operation and result.'],
      [
        {
          expr: rate('aadpodidentity_mic_arm_calls_total', 'operation, result'),
          legend: '{{operation}} {{result}}',
        },
      ],
    ),
    graph(
      ['Time of changes in Azure', 's', 'Of reads and changes of hosts that succeeded.'],
      [...quantiles('aadpodidentity_cloud_provider_operations_duration_seconds_bucket')],
    ),
    graph(
      ['Held back', 'none', 'Hosts that Azure throttles, and identities that it rejects.'],
      [
        { expr: 'max(aadpodidentity_mic_throttled_hosts)', legend: 'throttled hosts' },
        { expr: 'max(aadpodidentity_mic_quarantined_identities)', legend: 'rejected identities' },
      ],
    ),
  ],
};

const federated: Row = {
  title: 'Federated identities',
  panels: [
    graph(
      ['Responses of the broker', 'reqps', 'token, or why there was none.'],
      [
        {
          expr: 'sum by (result) (rate(aadpodidentity_broker_responses_total[$__rate_interval])) > 0',
          legend: '{{result}}',
        },
      ],
    ),
    graph(
      ['Time of exchanges at Entra', 's', 'Of those that gave a token.'],
      [...quantiles('aadpodidentity_broker_exchange_duration_seconds_bucket{result="token"}')],
    ),
    graph(
      ['Ready brokers', 'none', 'Two in the manifests.'],
      [{ expr: 'count(aadpodidentity_broker_ready == 1)', legend: 'ready' }],
    ),
  ],
};

const processes: Row = {
  title: 'Processes',
  panels: [
    graph(
      ['Memory', 'bytes', 'Resident memory. The limits of the manifests: NMI 512 MiB, MIC 640 MiB.'],
      [
        {
          expr: 'max by (job) (process_resident_memory_bytes{job=~"nmi|mic|broker"})',
          legend: '{{job}}, largest',
        },
      ],
    ),
    graph(
      ['Processor', 'none', 'Cores in use.'],
      [
        {
          expr: 'max by (job) (rate(process_cpu_seconds_total{job=~"nmi|mic|broker"}[$__rate_interval]))',
          legend: '{{job}}, busiest',
        },
      ],
    ),
    graph(
      ['Lag of the event loop', 's', 'How long work waits for its turn (p99).'],
      [
        {
          expr: 'max by (job) (nodejs_eventloop_lag_p99_seconds{job=~"nmi|mic|broker"})',
          legend: '{{job}}, slowest',
        },
      ],
    ),
  ],
};

export const rows: readonly Row[] = [glance, tokens, upstream, assignments, federated, processes];
