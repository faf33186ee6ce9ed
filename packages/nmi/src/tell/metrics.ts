import { accessModes } from '@pod-identity/crd-types';
import { limitEffects, type MetricSpec } from '@pod-identity/kit/core';
import { eventReasons } from './event-reason.ts';
import type { OutcomeKind } from '../respond/outcome.ts';

const prefix = 'aadpodidentity_';

/** The routes of routes.ts, not paths, which callers choose. */
const operations = ['token', 'host-token', 'metadata', 'nowhere'] as const;

const statuses = [200, 400, 403, 404, 405, 410, 429, 500, 502, 503].map(String);

const outcomeSet: Readonly<Record<OutcomeKind, true>> = {
  token: true,
  'host-token': true,
  'bad-request': true,
  'bad-method': true,
  nowhere: true,
  starting: true,
  outdated: true,
  'unknown-caller': true,
  'ambiguous-caller': true,
  'unknown-pod': true,
  overloaded: true,
  'too-fast': true,
  unconfirmed: true,
  'rights-changed': true,
  denied: true,
  'access-unanswered': true,
  'not-assigned': true,
  'token-failed': true,
  blocked: true,
  proxied: true,
  'proxy-failed': true,
  crashed: true,
};

// The original's buckets begin at half a second; a response with a cached token takes far less.
const operationBuckets = [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 3, 4, 5, 10, 15, 20, 30, 60];
const imdsBuckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 3, 4, 5, 10];
export const imdsOperations = [
  'adal_token_msi',
  'adal_token_msi_userassignedid',
  'adal_token',
  'federated_token',
] as const;

/** Plurals. */
const watchedKinds = [
  'pods',
  'azureidentities',
  'azureidentitybindings',
  'azurepodidentityexceptions',
  'azureassignedidentities',
  'namespaces',
] as const;

/** Names of the original are kept if the meaning is the same. */
export const metricSpecs = {
  operations: {
    kind: 'histogram',
    name: `${prefix}nmi_operations_duration_seconds`,
    help: 'Time to respond to a request. operation_type is the route, not the path, so the label values are a closed set.',
    labels: { operation_type: operations, status_code: statuses },
    buckets: operationBuckets,
  },
  outcomes: {
    kind: 'counter',
    name: `${prefix}nmi_outcomes_total`,
    help: 'Requests by outcome.',
    labels: { outcome: Object.keys(outcomeSet) },
  },
  imdsDuration: {
    kind: 'histogram',
    name: `${prefix}imds_operations_duration_seconds`,
    help: 'Time of successful token requests to the metadata service of the machine.',
    labels: { operation_type: imdsOperations },
    buckets: imdsBuckets,
  },
  imdsErrors: {
    kind: 'counter',
    name: `${prefix}imds_operations_errors_count`,
    help: 'Failed token requests to the metadata service of the machine.',
    labels: { operation_type: imdsOperations },
  },
  kubernetesErrors: {
    kind: 'counter',
    name: `${prefix}kubernetes_api_operations_errors_count`,
    help: 'Requests to the API server that failed.',
    labels: { operation_type: ['get_pod', 'get_pod_list'] },
  },
  podChecks: {
    kind: 'counter',
    name: `${prefix}nmi_pod_checks_total`,
    help: 'Checks with the API server whether a cached pod still has its address: it has (confirmed), it does not (moved), or the server gave no usable response (unanswered).',
    labels: { result: ['confirmed', 'moved', 'unanswered'] },
  },
  neighbourChanges: {
    kind: 'counter',
    name: `${prefix}nmi_neighbour_changes_total`,
    help: 'Connections that were closed because the node’s kernel has another entry for the address (link-layer address, device) than when they were opened: the address may belong to another pod.',
  },
  cache: {
    kind: 'counter',
    name: `${prefix}nmi_token_cache_total`,
    help: 'Where tokens came from: the cache (hit), a request already in flight (joined), a new request (miss), the cache because a new request failed (stale).',
    labels: { result: ['hit', 'joined', 'miss', 'stale'] },
  },
  identityAccess: {
    kind: 'gauge',
    name: `${prefix}nmi_identity_access`,
    help: '1 for the mode that --identity-access sets. In mode namespace, whoever may write an AzureIdentity may use the identity it names, unless it is of type 3.',
    labels: { mode: accessModes },
  },
  accessReviews: {
    kind: 'counter',
    name: `${prefix}nmi_access_reviews_total`,
    help: 'Questions about the right of a ServiceAccount to use an Azure identity, by what the API server said (allowed, denied); unanswered: it gave no usable answer; busy: not asked, because its pod or namespace asks too much.',
    labels: { verdict: ['allowed', 'denied', 'unanswered', 'busy'] },
  },
  accessWarnings: {
    kind: 'counter',
    name: `${prefix}nmi_access_warnings_total`,
    help: 'Requests that --identity-access=warn lets pass and rbac would refuse.',
  },
  waited: {
    kind: 'histogram',
    name: `${prefix}nmi_assignment_wait_seconds`,
    help: 'How long requests waited until their identity was assigned or the wait ended.',
    buckets: [0.05, 0.2, 0.5, 1, 2, 3, 5, 8, 10, 20],
  },
  ready: {
    kind: 'gauge',
    name: `${prefix}nmi_ready`,
    help: '1 if /readyz last returned 200, which includes a test request through the redirect rules; otherwise 0.',
  },
  rulesRepaired: {
    kind: 'counter',
    name: `${prefix}nmi_rules_repaired_total`,
    help: 'How often NMI put its redirect rules right because another program had changed or removed them.',
  },
  waiting: { kind: 'gauge', name: `${prefix}nmi_waiting_callers`, help: 'Requests that wait now.' },
  limited: {
    kind: 'counter',
    name: `${prefix}nmi_limited_total`,
    help: 'What NMI did to callers over their limits: a request refused with 429 (refused), a new connection closed (turned-away), an idle one closed to make room for others (evicted), one closed with more than 4 unanswered requests (pipelined), one closed because its responses were not read (unread).',
    labels: { effect: limitEffects },
  },
  events: {
    kind: 'counter',
    name: `${prefix}nmi_events_total`,
    help: 'Events about refusals: sent to the API server (recorded), or dropped because the node has too many (dropped). Repeats within five minutes are not counted.',
    labels: { reason: eventReasons, result: ['recorded', 'dropped'] },
  },
  linesLost: {
    kind: 'counter',
    name: `${prefix}nmi_lines_lost_total`,
    help: 'Lines that were dropped because the reader of standard output is gone, or was more than 1 MiB behind. A lost line of the audit is written again at the next token of the pod.',
  },
  fullNamespaces: {
    kind: 'gauge',
    name: `${prefix}nmi_full_namespaces`,
    help: 'Namespaces with more objects of a kind than --namespace-share holds, of which only the oldest count.',
    labels: { kind: watchedKinds },
  },
  watchAge: {
    kind: 'gauge',
    name: `${prefix}nmi_watch_age_seconds`,
    help: 'Seconds since the watch last received anything from the API server; -1 before the first time. Rights that were revoked since then may still take effect.',
    labels: { kind: watchedKinds },
  },
} as const satisfies Record<string, MetricSpec>;
