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
  return `${[time, level.toUpperCase().padEnd(5), component, shownMessage(msg), ...shown].join(' ')}\n`;
}

/** Quoted when it could be taken for more than one word. */
function shownValue(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value)) return value;
  return shownMessage(JSON.stringify(value));
}

/** What comes from outside must not begin a line of its own, nor steer the terminal that it is read on. */
function shownMessage(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (control) => {
    const json = JSON.stringify(control).slice(1, -1);
    return json === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}` : json;
  });
}
