// Writes the alert rules and the dashboard of deploy/monitoring; --check prints what is stale instead, and fails.
import { format, resolveConfig } from 'prettier';
import { settle } from '../docs/generated-files.ts';
import { dashboardFile } from './dashboard.ts';
import { rows } from './panels.ts';
import { prometheusRule, rulesFile } from './rules.ts';

const folder = 'deploy/monitoring';

async function formatted(name: string, text: string) {
  const path = `${folder}/${name}`;
  const options = await resolveConfig(new URL(`../../${path}`, import.meta.url));
  return { path, text: await format(text, { ...options, filepath: path }) };
}

settle(
  await Promise.all([
    formatted('rules.yaml', rulesFile()),
    formatted('prometheus-rule.yaml', prometheusRule()),
    formatted('dashboard.json', dashboardFile(rows)),
  ]),
  { command: 'node tools/monitoring/main.ts', noun: 'files of deploy/monitoring' },
);
