// Which lines of NMI's log are about one pod, in both formats of the log.

/** NMI's messages about a request of a pod. */
const messages: ReadonlySet<string> = new Set(['token issued', 'answered']);

export interface AuditLine {
  readonly text: string;
  /** Of a line that could be read; its names are those of the log in JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Undefined for a line about anything else. What pods choose (resources) is quoted in the log, and counts as nothing else here. */
export function auditLineOf(text: string, pod: string): AuditLine | undefined {
  const fields = text.startsWith('{') ? jsonFields(text) : textFields(text);
  if (fields === undefined || !messages.has(String(fields['msg']))) return undefined;
  const { pod: of, subject } = fields;
  return of === pod || subject === pod ? { text, fields } : undefined;
}

function jsonFields(text: string): AuditLine['fields'] | undefined {
  try {
    return JSON.parse(text) as AuditLine['fields'];
  } catch {
    return undefined;
  }
}

/** `time LEVEL nmi message key=value …`, as kit/serve writes it. */
function textFields(text: string): AuditLine['fields'] | undefined {
  const [, time, level, msg, rest = ''] =
    /^(\S+) (\S+) +nmi (token issued|answered)((?: .*)?)$/.exec(text) ?? [];
  if (time === undefined) return undefined;
  const fields: Record<string, unknown> = { level: level?.toLowerCase(), time, component: 'nmi', msg };
  const field = / ([^\s="]+)=("(?:[^"\\]|\\.)*"|[[{](?:[^"]|"(?:[^"\\]|\\.)*")*?[\]}](?= |$)|[^\s"]+)/gy;
  for (const [, name = '', value = ''] of rest.matchAll(field))
    fields[name] = /^["[{]/.test(value) ? quoted(value) : bare(value);
  return fields;
}

function quoted(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

const bare = (value: string): unknown =>
  /^(?:-?\d+(?:\.\d+)?|true|false|null)$/.test(value) ? JSON.parse(value) : value;
