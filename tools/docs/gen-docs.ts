// Writes docs/configuration.md, docs/errors.md, docs/metrics.md and docs/reasons.md from the services' own lists; --check only says what is stale, and fails.
import type { FlagSpec, MetricSpec } from '@pod-identity/kit/core';
import { format, resolveConfig } from 'prettier';
import { configurationTable } from '../../packages/mic/src/config/config.ts';
import { micMetrics } from '../../packages/mic/src/tell/metrics.ts';
import { flags as nmiFlags } from '../../packages/nmi/src/config/flags.ts';
import { metricSpecs as nmiMetrics } from '../../packages/nmi/src/tell/metrics.ts';
import { reasonMeanings } from '../../packages/nmi/src/respond/reasons.ts';
import { errorsPage } from './errors-page.ts';
import { settle } from './generated-files.ts';

const made = '<!-- Made by tools/docs/gen-docs.ts from the lists in the code: change it there. -->\n';

const row = (...cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const code = (text: string) => (text === '' ? '' : `\`${text}\``);

function defaultOf({ default: value }: FlagSpec): string {
  return typeof value === 'object' ? value.join(',') : String(value ?? '');
}

function nmiFlagTable(): string {
  const rows = nmiFlags.map(({ spec, fate, why }) =>
    row(
      code(`--${spec.name}`) + (spec.env === undefined ? '' : ` or ${code(spec.env)}`),
      code(defaultOf(spec)),
      spec.help,
      why === '' ? fate : `${fate}: ${why}`,
    ),
  );
  return [
    row('Flag', 'Default', 'Meaning', 'Against the original'),
    row('---', '---', '---', '---'),
    ...rows,
  ].join('\n');
}

function metricTable(specs: Readonly<Record<string, MetricSpec>>): string {
  const rows = Object.values(specs).map(({ name, kind, labels, help }) =>
    row(
      code(name),
      kind,
      Object.keys(labels ?? {})
        .map(code)
        .join(', '),
      help,
    ),
  );
  return [row('Name', 'Kind', 'Labels', 'Meaning'), row('---', '---', '---', '---'), ...rows].join('\n');
}

function reasonTable(): string {
  const rows = Object.entries(reasonMeanings).map(([reason, meaning]) => row(code(reason), meaning));
  return [row('Reason', 'Meaning'), row('---', '---'), ...rows].join('\n');
}

async function page(path: string, ...parts: readonly string[]) {
  const options = await resolveConfig(new URL(`../../${path}`, import.meta.url));
  return { path, text: await format(`${made}\n${parts.join('\n\n')}\n`, { ...options, parser: 'markdown' }) };
}

settle(
  await Promise.all([
    page(
      'docs/configuration.md',
      '# Configuration',
      'Flags are written as for the original, with one dash or two, `--name=value` or `--name value`. What it knows and ours no longer needs is accepted and named in the log.',
      '## MIC',
      configurationTable(),
      '## NMI',
      nmiFlagTable(),
    ),
    page(
      'docs/metrics.md',
      '# Metrics',
      "The original's names are kept where they mean the same. Label values come from closed sets. Both services also serve Node's own metrics (`nodejs_eventloop_lag_p99_seconds`, `process_resident_memory_bytes` and others).",
      '## MIC',
      metricTable(micMetrics),
      '## NMI',
      metricTable(nmiMetrics),
    ),
    page('docs/errors.md', ...errorsPage()),
    page(
      'docs/reasons.md',
      '# Reasons',
      'NMI writes a log line when the outcome for a pod, or for an address that is no pod, changes. Its field `reason` says why nothing was given; it is one of these words. A line without the field is about something that was given.',
      reasonTable(),
    ),
  ]),
  { command: 'node tools/docs/gen-docs.ts', noun: 'generated pages' },
);
