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
 * A line of level info as the log writes it, put together and cleaned once: what is left to do for each writing is to set the
 * time (as ISO 8601) in. ASCII only in JSON: no character of it can end or disguise a line.
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
