// The lower bound for a server on Node: node:http alone, which sends the same response to everything, or proxies requests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { headersLimit, requestLimits } from '@pod-identity/kit/serve';
import { within } from '../stage/within.ts';

export interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const patienceMs = 30_000;

export interface BareServer {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/** With the options of our own servers and the variables of our manifest, which change the work of node:http for a request. */
const serverOf = (answering: string) => `
  const { Agent, createServer, get } = require('node:http');
  const server = createServer(${JSON.stringify(requestLimits)}, ${answering});
  server.maxHeadersCount = ${headersLimit};
  server.httpAllowHalfOpen = true;
  // Ends with its parent process.
  process.stdin.on('end', () => process.exit()).resume();
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;

/** Variables of the process, such as Node's options. */
type Environment = Readonly<Record<string, string>>;

export function startBareServer(answer: Answer, env: Environment): Promise<BareServer> {
  const answering = '(request, response) => { response.writeHead(200, headers); response.end(body); }';
  return start(`const { headers, body } = ${JSON.stringify(answer)}; ${serverOf(answering)}`, env);
}

/** Proxies requests to this address over kept connections. */
export function startBareProxy({ hostname, port }: URL, env: Environment): Promise<BareServer> {
  const to = JSON.stringify({ hostname, port });
  const program = `${serverOf('pass')}
  const agent = new Agent({ keepAlive: true });
  function pass({ url }, response) {
    get({ ...${to}, agent, path: url, headers: { Metadata: 'true' } }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('end', () => {
        const body = Buffer.concat(parts);
        response.writeHead(answer.statusCode, { 'Content-Type': 'application/json', 'Content-Length': body.length });
        response.end(body);
      });
    });
  }`;
  return start(program, env);
}

async function start(program: string, env: Environment): Promise<BareServer> {
  const child = spawn(process.execPath, ['-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const listening = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
  const [line] = await within(patienceMs, 'the bare node:http server to listen', listening);
  return { host: '127.0.0.1', port: Number(line), pid: child.pid ?? 0, stop: () => void child.kill() };
}

/** The response to a token request, without the headers that Node adds. */
export async function answerOf(at: {
  readonly host: string;
  readonly port: number;
  readonly localAddress: string;
  readonly path: string;
}): Promise<Answer> {
  const call = request({ ...at, headers: { Metadata: 'true' } }).end();
  const answered = once(call, 'response') as Promise<[IncomingMessage]>;
  const [response] = await within(patienceMs, `an answer of ${at.host}:${at.port}`, answered);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  if (response.statusCode !== 200) throw new Error(`no token to compare with: ${body}`);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (typeof value === 'string' && !['date', 'connection', 'keep-alive'].includes(name))
      headers[name] = value;
  }
  return { headers, body };
}
