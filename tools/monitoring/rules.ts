// The alerts as Prometheus reads them: a file of rules, and the same in a PrometheusRule for the Prometheus Operator.
import { stringify } from 'yaml';
import type { AlertGroup } from './alert.ts';
import { brokerAlerts } from './broker-alerts.ts';
import { micAlerts } from './mic-alerts.ts';
import { nmiAlerts } from './nmi-alerts.ts';

export const alertGroups: readonly AlertGroup[] = [
  { name: 'pod-identity-nmi', runbook: 'docs/administrator/runbooks/nmi.md', alerts: nmiAlerts },
  { name: 'pod-identity-mic', runbook: 'docs/administrator/runbooks/mic.md', alerts: micAlerts },
  { name: 'pod-identity-broker', runbook: 'docs/administrator/runbooks/broker.md', alerts: brokerAlerts },
];

const head = '# Made by tools/monitoring/main.ts: change the alerts there.\n';

/** The page and the section of it that says what to do. */
function runbookOf(group: AlertGroup, alert: string): string {
  return `${group.runbook}#${alert.toLowerCase()}`;
}

export function rulesFile(): string {
  return head + yaml({ groups: ruleGroups() });
}

export function prometheusRule(): string {
  const metadata = { name: 'pod-identity', namespace: 'aad-pod-identity' };
  const kind = { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule' };
  return head + yaml({ ...kind, metadata, spec: { groups: ruleGroups() } });
}

function ruleGroups() {
  return alertGroups.map((group) => ({
    name: group.name,
    rules: group.alerts.map(({ name, severity, expr, for: held, summary, description }) => ({
      alert: name,
      expr,
      for: held,
      labels: { severity },
      annotations: { summary, description, runbook: runbookOf(group, name) },
    })),
  }));
}

function yaml(value: object): string {
  return stringify(value, { lineWidth: 0, singleQuote: true });
}
