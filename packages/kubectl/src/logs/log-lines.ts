// The lines of a container's log as the API server sends them.
import { asciiJson } from '@pod-identity/kit/core';
import type { KubeTransport } from '@pod-identity/kit/kube';
import type { Session } from '../cli/command.ts';
import type { AgentPod } from '../cluster/agents.ts';
import { readText } from '../cluster/connect.ts';
import type { AuditLine } from './audit-lines.ts';

export type LogSource = Pick<AgentPod, 'namespace' | 'name' | 'container'>;

export interface LogQuery {
  readonly signal: AbortSignal;
  readonly follow?: boolean;
  /** Of the container's last run. */
  readonly previous?: boolean;
  readonly sinceSeconds?: number | undefined;
  readonly sinceTime?: string | undefined;
}

export interface TimedLine {
  /** RFC 3339, by the clock of the node. */
  readonly time: string;
  readonly text: string;
}

/** Longer than any line of NMI; more of a line is left out. */
const longestLine = 64 * 1024;

export async function* readLog(
  kube: KubeTransport,
  { namespace, name, container }: LogSource,
  { signal, follow = false, previous = false, sinceSeconds, sinceTime }: LogQuery,
): AsyncGenerator<TimedLine> {
  const chunks = readText(kube, {
    method: 'GET',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`,
    query: {
      container,
      timestamps: 'true',
      follow: follow ? 'true' : undefined,
      previous: previous ? 'true' : undefined,
      sinceSeconds: sinceSeconds?.toString(),
      sinceTime,
    },
    signal,
    // A followed log may be silent for long.
    ...(follow && { timeoutMs: Infinity }),
  });
  for await (const line of linesOf(chunks)) {
    const at = line.indexOf(' ');
    yield { time: line.slice(0, Math.max(at, 0)), text: line.slice(at + 1) };
  }
}

/** Holds no more than one line. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) yield line.slice(0, longestLine);
  }
  if (rest !== '') yield rest;
}

/** As NMI wrote it; with `-o json` or `yaml`, one object for each line. */
export function printLine(
  { out, format }: Pick<Session, 'out' | 'format'>,
  { text, fields }: AuditLine,
): void {
  if (format === 'json') out.line(asciiJson(JSON.stringify(fields)));
  else if (format === 'yaml') {
    out.line('---');
    out.object(fields);
  } else out.line(text);
}
