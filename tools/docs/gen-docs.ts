// Writes the pages of docs/reference, but for the glossary, from the services' own lists and the list of components in deploy/README.md; --check prints what is stale instead, and fails.
import type { MetricSpec } from '@pod-identity/kit/core';
import { format, resolveConfig } from 'prettier';
import { micFlags } from '../../packages/mic/src/config/flags.ts';
import { micMetrics } from '../../packages/mic/src/tell/metrics.ts';
import { nmiFlags } from '../../packages/nmi/src/config/flags.ts';
import { brokerMetrics } from '../../packages/nmi/src/broker-service/reports.ts';
import { metricSpecs as nmiMetrics } from '../../packages/nmi/src/tell/metrics.ts';
import { reasonsByActor } from '../../packages/policy/src/reasons.ts';
import { errorsPage } from './errors-page.ts';
import { read, settle } from './generated-files.ts';
import { componentRows } from './components-list.ts';
import { flagTables } from './flag-table.ts';
import { code, row, table } from './markdown.ts';
import { azureJson, micEnvironment } from './mic-settings.ts';

const made = '<!-- Made by tools/docs/gen-docs.ts from the lists in the code: change it there. -->\n';

function metricList(specs: Readonly<Record<string, MetricSpec>>): string {
  return Object.values(specs)
    .map(({ name, kind, labels, help }) => {
      const facts = [kind, ...Object.keys(labels ?? {}).map(code)].join(', ');
      return `- ${code(name)} (${facts}): ${help}`;
    })
    .join('\n');
}

/** By who must act. */
function reasonLists(): readonly string[] {
  return Object.entries(reasonsByActor).flatMap(([actor, meanings]) => [
    `## Who must act: ${actor}`,
    reasonList(Object.entries(meanings)),
  ]);
}

function reasonList(meanings: readonly (readonly [reason: string, meaning: string])[]): string {
  return meanings.map(([reason, meaning]) => `- ${code(reason)}: ${meaning}`).join('\n');
}

/** Each setting is one or more names, separated by commas, and its meaning. */
function settingRows(settings: readonly (readonly [names: string, meaning: string])[]): readonly string[] {
  return settings.map(([names, meaning]) => row(names.split(', ').map(code).join(', '), meaning));
}

async function formatted(path: string, text: string) {
  const options = await resolveConfig(new URL(`../../${path}`, import.meta.url));
  return { path, text: await format(text, { ...options, parser: 'markdown' }) };
}

function page(path: string, ...parts: readonly string[]) {
  return formatted(path, `${made}\n${parts.join('\n\n')}\n`);
}

/** Replaces the part between two marks in a page that is written by hand. */
function pageWithPart(path: string, name: string, lines: readonly string[]) {
  const [start, end] = [`<!-- ${name}: made by tools/docs/gen-docs.ts -->`, `<!-- end of ${name} -->`];
  const text = read(path) ?? '';
  const [before, after] = [text.indexOf(start), text.indexOf(end)];
  if (before < 0 || after < before) throw new Error(`${path} has no marks for ${name}`);
  const part = `${start}\n\n${lines.join('\n')}\n\n`;
  return formatted(path, text.slice(0, before) + part + text.slice(after));
}

const flags = flagTables({ mic: micFlags, nmi: nmiFlags });

settle(
  await Promise.all([
    page(
      'docs/reference/configuration.md',
      '# Configuration',
      'Flags have the syntax of the original: one dash or two, `--name=value` or `--name value`. Flags of the original that have no effect here are accepted and logged.',
      '## MIC and NMI',
      flags.both,
      '## MIC',
      '### Flags',
      flags.mic,
      '### Environment',
      table(['Variable', 'Meaning'], settingRows(micEnvironment)),
      '### azure.json',
      'JSON. Keys are case-insensitive; nested values are ignored.',
      table(['Key', 'Meaning'], settingRows(azureJson)),
      '## NMI',
      flags.nmi,
    ),
    page(
      'docs/reference/metrics.md',
      '# Metrics',
      "Metrics with the same meaning keep the original's names. Label values come from closed sets. Both services also serve Node's own metrics (`nodejs_eventloop_lag_p99_seconds`, `process_resident_memory_bytes` and others).",
      '## MIC',
      metricList(micMetrics),
      '## NMI',
      metricList(nmiMetrics),
      '## Broker',
      metricList(brokerMetrics),
    ),
    pageWithPart('deploy/README.md', 'components', componentRows()),
    page('docs/reference/errors.md', ...errorsPage()),
    page(
      'docs/reference/reasons.md',
      '# Reasons',
      'NMI writes a log line when the outcome for a pod, or for an address without a pod, changes. Its field `reason` says why NMI refused the request; without the field the request succeeded.',
      ...reasonLists(),
    ),
  ]),
  { command: 'node tools/docs/gen-docs.ts', noun: 'generated pages' },
);
