import { printable } from '../core/printable.ts';

interface LogLine extends Readonly<Record<string, unknown>> {
  readonly time: string;
  readonly level: string;
  readonly component: string;
  readonly msg: string;
}

/** One JSON log line for people: `time LEVEL component message key=value`. */
export function textLine(json: string): string {
  const { time, level, component, msg, ...fields } = JSON.parse(json) as LogLine;
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${shownValue(value)}`);
  return `${[time, level.toUpperCase().padEnd(5), component, printable(msg), ...shown].join(' ')}\n`;
}

/** Quoted if it is not a single word. */
function shownValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=]+$/.test(value) && printable(value) === value) return value;
  return printable(JSON.stringify(value));
}
