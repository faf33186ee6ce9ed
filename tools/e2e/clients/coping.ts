// How one client copes with one scripted answer, and the table of all of them in the README of imds-client.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startService, type Service } from '../../stage/service.ts';
import { sendToken, tokens, type ScriptedAnswer } from './coping-answers.ts';
import { clients, type RealClient } from './real-clients.ts';
import { answerIn } from './run-client.ts';
import type { Starts } from './starts.ts';

export const copingClients: readonly RealClient[] = [clients.ours, clients.identity, clients.msal];

/** How long a client may take from its first request on. */
const boundSeconds = 20;
/** Of one request of the clients that have the option. */
const requestTimeoutMs = 3000;
/** Clients without a token take less than half of it. */
const muchMiB = 250;

/** What was seen of a client. */
export interface Coping {
  readonly requests: number;
  /** The token, or undefined after an error. */
  readonly token: string | undefined;
  readonly isWaiting: boolean;
  /** Another request came before Retry-After. */
  readonly isEarly: boolean;
  readonly peakMiB: number;
}

export function copingCell(seen: Coping): string {
  const { requests, token, isEarly, peakMiB } = seen;
  // How it ends depends on the speed of the machine.
  if (peakMiB > muchMiB) return `takes more than ${muchMiB} MiB of memory`;
  if (token === tokens.other) return '**the token of the other place**';
  return [
    endCell(seen),
    ...(requests > 1 ? [`${requests} requests`] : []),
    ...(isEarly ? ['before the time'] : []),
  ].join(', ');
}

function endCell({ requests, token, isWaiting }: Coping): string {
  if (isWaiting) return `still waiting after ${boundSeconds} s`;
  if (token !== undefined) return token === '' ? 'an empty token' : 'token';
  return requests === 1 ? 'error at once' : 'error';
}

interface Call {
  readonly askedAt: number;
}

/** A server at another address than the scripted one. It has a token for everybody. */
async function openOther() {
  const server = createServer((_, response) => sendToken(response, 'other'));
  server.listen(0, '127.0.0.2');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.2:${(server.address() as AddressInfo).port}` };
}

async function openScriptedServer(answer: ScriptedAnswer) {
  const other = await openOther();
  const calls: Call[] = [];
  const asked = Promise.withResolvers<true>();
  const server = createServer((request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    if (request.url === '/other') {
      sendToken(response, 'other');
      return;
    }
    calls.push({ askedAt: performance.now() });
    asked.resolve(true);
    if (calls.length === 1) answer.send(response, request, other.url);
    else sendToken(response, 'own');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    for (const one of [server, other.server]) {
      one.closeAllConnections();
      one.close();
    }
  };
  return { url, calls, asked: asked.promise, close };
}

/** Runs one client against a server that sends the answer once. The namespace of this process must have no uplink. */
export async function playAnswer(
  starts: Starts,
  client: RealClient,
  answer: ScriptedAnswer,
): Promise<Coping> {
  const server = await openScriptedServer(answer);
  let service: Service | undefined;
  try {
    const start = async () => {
      const { executable, args } = client.command({ requestTimeoutMs }, server.url);
      const [entry = '', ...more] = args;
      const env = { AZURE_POD_IDENTITY_AUTHORITY_HOST: server.url, PATH: '/nonexistent' };
      service = startService({ name: client.name, executable, entry, args: more, env });
      return await endOf(service, server.asked);
    };
    const { isWaiting, lines, peakMiB } = await starts.run(start, server.asked);
    const said = answerIn(lines);
    const [first, second] = server.calls;
    const gap = ((second?.askedAt ?? Infinity) - (first?.askedAt ?? 0)) / 1000;
    const { length: requests } = server.calls;
    const isEarly = gap < (answer.retryAfter ?? 0) - 0.1;
    return { requests, isWaiting, isEarly, peakMiB, token: 'token' in said ? said.token : undefined };
  } finally {
    await service?.stop('SIGKILL');
    server.close();
  }
}

interface End {
  readonly isWaiting: boolean;
  readonly lines: readonly string[];
  readonly peakMiB: number;
}

/** The end of the program, or what it was when its time was up. */
async function endOf({ name, ended, lines, pid }: Service, asked: Promise<unknown>): Promise<End> {
  const late = Promise.withResolvers<'late'>();
  const startDeadline = setTimeout(() => late.reject(new Error(`${name} sent no request in 60 s`)), 60_000);
  let bound: NodeJS.Timeout | undefined;
  void asked.then(() => {
    clearTimeout(startDeadline);
    bound = setTimeout(() => late.resolve('late'), boundSeconds * 1000);
  });
  try {
    const isWaiting = (await Promise.race([ended, late.promise])) === 'late';
    const peakMiB = isWaiting ? await peakOf(pid) : peakIn(lines);
    return { isWaiting, lines, peakMiB };
  } finally {
    clearTimeout(startDeadline);
    clearTimeout(bound);
  }
}

async function peakOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
}

function peakIn(lines: readonly string[]): number {
  return Number(/"peakMiB":([\d.]+)/.exec(lines.join('\n'))?.[1] ?? 0);
}

/** By title of the answer, the cells of `copingClients`. */
export type CopingCells = Readonly<Record<string, readonly string[]>>;

export const readme = fileURLToPath(new URL('../../../packages/imds-client/README.md', import.meta.url));
const markers = ['<!-- coping: begin -->', '<!-- coping: end -->'] as const;

export function copingTable(cells: CopingCells): string {
  const heads = ['first answer', ...copingClients.map(({ name }) => name)];
  const rows = [heads, ...Object.entries(cells).map(([title, of]) => [title, ...of])];
  const widths = heads.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [lines[0] ?? '', rule, ...lines.slice(1)].join('\n');
}

/** The text with another table between the markers. */
export function withTable(text: string, table: string): string {
  const [begin, end] = markers.map((marker) => text.indexOf(marker));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`README.md of imds-client must have the lines ${markers.join(' and ')}`);
  return `${text.slice(0, begin)}${markers[0]}\n\n${table}\n\n${text.slice(end)}`;
}
