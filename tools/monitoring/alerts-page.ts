// docs/reference/alerts.md: the alerts of deploy/monitoring.
import { basename } from 'node:path';
import { alertGroups } from './rules.ts';
import { code, row, table } from '../docs/markdown.ts';

export function alertsPage(): string {
  return [
    '<!-- Made by tools/monitoring/main.ts: change the alerts there. -->',
    '# Alerts',
    'The rules of [deploy/monitoring](../../deploy/monitoring/README.md). What to do: the section of the runbook behind each name.',
    ...alertGroups.map(({ runbook, alerts }) => {
      const page = `../${runbook.replace('docs/', '')}`;
      const rows = alerts.map(({ name, severity, for: held, summary }) =>
        row(`[${code(name)}](${page}#${name.toLowerCase()})`, severity, held, summary),
      );
      return `## ${basename(runbook, '.md')}\n\n<!-- prettier-ignore -->\n${table(['Alert', 'Severity', 'After', 'Summary'], rows)}`;
    }),
  ]
    .join('\n\n')
    .concat('\n');
}
