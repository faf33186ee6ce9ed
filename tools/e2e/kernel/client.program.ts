// A program in a pod (or on the node): single requests, and a load that counts the result of each request.
import { Agent, get as httpGet, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { execFile } from 'node:child_process';
import { answerMessages } from './program.ts';

export interface Call {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Name of a kept connection. Default: a new one for this request. */
  readonly over?: string;
}

export interface Answered {
  /** 0 without a response. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The error's code, such as ECONNREFUSED; '' with a response. */
  readonly error: string;
  /** Whether the connection was used before. */
  readonly isReused: boolean;
}

export interface LoadSpec extends Omit<Call, 'over'> {
  readonly workers: number;
  readonly keepAlive: boolean;
}

/** The number of requests by result: `200`, `ECONNREFUSED`, `ECONNRESET on a used connection` … */
export type Tally = Readonly<Record<string, number>>;

export type ClientQuestions = typeof questions;

/** Limit for one request; waits for many have a longer one. */
const patienceMs = 60_000;
const longPatienceMs = 120_000;
const agents = new Map<string, Agent>();
const newAgent = () => new Agent({ keepAlive: true, maxSockets: 1 });

function agentNamed(name: string): Agent {
  const agent = agents.get(name) ?? newAgent();
  agents.set(name, agent);
  return agent;
}

function call({ url, headers = {} }: Call, agent: Agent | false): Promise<Answered> {
  const { promise, resolve } = Promise.withResolvers<Answered>();
  const request = httpGet(url, { headers, agent, timeout: patienceMs }, (response) => {
    const parts: Buffer[] = [];
    response.on('data', (part: Buffer) => parts.push(part));
    response.once('error', fail);
    response.once('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(parts).toString(),
        error: '',
        isReused: request.reusedSocket,
      }),
    );
  });
  const fail = (error: NodeJS.ErrnoException) =>
    resolve({
      status: 0,
      headers: {},
      body: '',
      error: error.code ?? error.message,
      isReused: request.reusedSocket,
    });
  request.once('timeout', () => request.destroy(new Error('no answer')));
  request.once('error', fail);
  return promise;
}

interface Load {
  readonly ends: Map<string, number>;
  isOver: boolean;
  readonly workers: Promise<void>[];
  /** Called at each result. */
  listener: () => void;
}
const loads = new Map<string, Load>();

async function work({ keepAlive, ...what }: LoadSpec, load: Load): Promise<void> {
  const agent = keepAlive ? newAgent() : false;
  while (!load.isOver) {
    const { status, error, isReused } = await call(what, agent);
    const end = error === '' ? `${status}` : `${error}${isReused ? ' on a used connection' : ''}`;
    load.ends.set(end, (load.ends.get(end) ?? 0) + 1);
    load.listener();
  }
  if (agent) agent.destroy();
}

function loadNamed(name: string): Load {
  const load = loads.get(name);
  if (load === undefined) throw new Error(`there is no load ${name}`);
  return load;
}

const tally = ({ ends }: Load): Tally => Object.fromEntries(ends);

const questions = {
  get: ({ over, ...what }: Call): Promise<Answered> =>
    call(what, over === undefined ? false : agentNamed(over)),
  /** Sends the raw text and returns everything that is received until the connection ends. */
  raw: ({ host, port, text }: { host: string; port: number; text: string }): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let answer = '';
    const socket = connect({ host, port }, () => socket.write(text, 'latin1'));
    socket.setTimeout(longPatienceMs, () => socket.destroy(new Error('no answer')));
    socket.on('data', (part) => (answer += part.toString('latin1')));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(`${answer}(${error.code ?? error.message})`),
    );
    socket.once('end', () => resolve(answer));
    return promise;
  },
  curl: (args: readonly string[]): Promise<string> =>
    new Promise((resolve) => {
      execFile(
        'curl',
        ['--silent', '--show-error', '--max-time', String(longPatienceMs / 1_000), ...args],
        (error, stdout, stderr) => resolve(error ? `${stdout}${stderr}` : stdout),
      );
    }),
  startLoad: ({ name, ...spec }: LoadSpec & { name: string }) => {
    const load: Load = { ends: new Map(), isOver: false, workers: [], listener: () => undefined };
    loads.set(name, load);
    for (let worker = 0; worker < spec.workers; worker += 1) load.workers.push(work(spec, load));
  },
  /** Waits until so many more requests have ended with this result. */
  more: async ({ name, count, end }: { name: string; count: number; end: string }): Promise<Tally> => {
    const load = loadNamed(name);
    const seen = () => load.ends.get(end) ?? 0;
    const enough = seen() + count;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    load.listener = () => seen() >= enough && resolve(undefined);
    const timer = setTimeout(
      () => reject(new Error(`no ${count} more of ${end}: ${JSON.stringify(tally(load))}`)),
      longPatienceMs,
    );
    await promise.finally(() => clearTimeout(timer));
    return tally(load);
  },
  stopLoad: async ({ name }: { name: string }): Promise<Tally> => {
    const load = loadNamed(name);
    load.isOver = true;
    await Promise.all(load.workers);
    return tally(load);
  },
};
answerMessages(questions);
