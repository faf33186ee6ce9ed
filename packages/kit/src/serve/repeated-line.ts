import { asciiJson } from '../core/printable.ts';
import { redact, redactText } from './redact.ts';
import type { LogFields, LogFormat } from './log.ts';
import { textLine } from './text-line.ts';

export interface RepeatedLine {
  readonly format: LogFormat;
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
}

/**
 * A log line of level info that is formatted and redacted once, so that each use only inserts the time (ISO 8601). JSON is ASCII only,
 * so no character can end or disguise the line.
 */
export function createRepeatedLine({
  format,
  component,
  message,
  fields,
}: RepeatedLine): (time: string) => string {
  const json = JSON.stringify({
    level: 'info',
    time: '',
    component,
    ...(redact(fields) as object),
    msg: redactText(message),
  });
  if (format === 'text') {
    const line = textLine(json);
    return (time) => time + line;
  }
  const ascii = `${asciiJson(json)}\n`;
  const at = ascii.indexOf('"time":""') + '"time":"'.length;
  const before = ascii.slice(0, at);
  const after = ascii.slice(at);
  return (time) => before + time + after;
}
