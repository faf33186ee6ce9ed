// The alerts about the broker of federated identities. Where none is installed, none of them fires.
import type { Alert } from './alert.ts';

const responses = (result: string, window: string) =>
  `sum(rate(aadpodidentity_broker_responses_total{result="${result}"}[${window}]))`;

export const brokerAlerts: readonly Alert[] = [
  {
    name: 'PodIdentityBrokerDown',
    severity: 'critical',
    expr: 'max(up{job="broker"}) == 0 or max(aadpodidentity_broker_ready) == 0',
    for: '3m',
    summary: 'No broker is ready.',
    description:
      'Pods get no new tokens of federated identities; those in NMI’s memory are given until they expire.',
  },
  {
    name: 'PodIdentityBrokerAlone',
    severity: 'warning',
    expr: 'count(aadpodidentity_broker_ready == 1) == 1',
    for: '15m',
    summary: 'Only one broker is ready.',
    description: 'If it ends, pods get no new tokens of federated identities.',
  },
  {
    name: 'PodIdentityExchangesFail',
    severity: 'critical',
    expr: 'sum(rate(aadpodidentity_broker_exchange_duration_seconds_count{result="failed"}[5m])) > 0.1',
    for: '5m',
    summary: 'Entra gives the broker no tokens.',
    description: '{{ printf "%.2f" $value }} exchanges a second fail.',
  },
  {
    name: 'PodIdentityBrokerReviewsUnanswered',
    severity: 'critical',
    expr: `${responses('review_unanswered', '5m')} > 0.1`,
    for: '5m',
    summary: 'The API server does not answer the broker.',
    description: '{{ printf "%.2f" $value }} requests a second get 503 for it.',
  },
  {
    name: 'PodIdentityCredentialMissing',
    severity: 'warning',
    expr: `${responses('credential_missing', '15m')} > 0`,
    for: '5m',
    summary: 'A federated credential is missing in Entra.',
    description: 'Pods of that identity get 503 with the command that creates it.',
  },
  {
    name: 'PodIdentityBrokerUnauthorized',
    severity: 'warning',
    expr: `${responses('unauthorized', '5m')} > 0.1`,
    for: '10m',
    summary: 'The broker refuses callers that are not NMI.',
    description:
      '{{ printf "%.2f" $value }} requests a second: NMI is configured wrongly, or somebody else tries.',
  },
];
