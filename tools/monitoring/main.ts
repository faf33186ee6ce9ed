// Writes the alert rules and the dashboard of deploy/monitoring, and docs/reference/alerts.md; --check prints what is stale instead, and fails.
import { format, resolveConfig } from 'prettier';
import { settle } from '../docs/generated-files.ts';
import { alertsPage } from './alerts-page.ts';
import { dashboardFile } from './dashboard.ts';
import { rows } from './panels.ts';
import { prometheusRule, rulesFile } from './rules.ts';

async function formatted(path: string, text: string) {
  const options = await resolveConfig(new URL(`../../${path}`, import.meta.url));
  return { path, text: await format(text, { ...options, filepath: path }) };
}

settle(
  await Promise.all([
    formatted('deploy/monitoring/rules.yaml', rulesFile()),
    formatted('deploy/monitoring/prometheus-rule.yaml', prometheusRule()),
    formatted('deploy/monitoring/dashboard.json', dashboardFile(rows)),
    formatted('docs/reference/alerts.md', alertsPage()),
  ]),
  { command: 'node tools/monitoring/main.ts', noun: 'files on alerts and metrics' },
);
