import { formatDuration } from './duration.ts';
import type { FlagSpec } from './flag-spec.ts';

/** What `--help` prints. */
export function flagHelp(specs: readonly FlagSpec[], heading: string): string {
  const entries = specs.map((spec) => {
    const facts = [
      defaultText(spec) && `default ${defaultText(spec)}`,
      spec.env && `environment ${spec.env}`,
    ];
    const notes = facts.filter(Boolean).join(', ');
    return `  ${usage(spec)}\n      ${meaning(spec)}${notes && ` (${notes})`}`;
  });
  return `${heading}\n\n${entries.join('\n')}\n`;
}

function usage(spec: FlagSpec): string {
  const names = [spec.name, ...(spec.aliases ?? [])].map((name) => `--${name}`).join(', ');
  return spec.kind === 'boolean' ? names : `${names} ${spec.kind}`;
}

function meaning(spec: FlagSpec): string {
  return spec.choices ? `${spec.help} One of: ${spec.choices.join(', ')}.` : spec.help;
}

function defaultText(spec: FlagSpec): string {
  const value = spec.default;
  if (value === undefined) return '';
  if (spec.kind === 'duration') return formatDuration(Number(value));
  return Array.isArray(value) ? value.join(',') : String(value);
}
