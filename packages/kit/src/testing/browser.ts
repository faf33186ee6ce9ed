// Headless Chromium as of Debian, driven by its DevTools protocol over a pipe. Nothing leaves the machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const executable = '/usr/bin/chromium-headless-shell';
const patienceMs = 60_000;

const switches = [
  '--remote-debugging-pipe',
  // As root Chromium has no sandbox of its own; it shows pages of tests alone.
  '--no-sandbox',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--no-proxy-server',
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-gpu'],
  '--disable-dev-shm-usage',
  '--force-color-profile=srgb',
  '--hide-scrollbars',
];

interface Message {
  readonly id?: number;
  /** Of the tab. */
  readonly sessionId?: string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

type Result = Readonly<Record<string, unknown>>;

export interface Tab {
  readonly send: (method: string, params?: object) => Promise<Result>;
  /** The events of this name so far. */
  readonly events: (method: string) => readonly Result[];
  /** Opens a URL; resolves after the load event of that very document, not of the blank page before it. */
  show(url: string): Promise<void>;
  /** The value of an expression in the page; rejects with what the expression throws. */
  evaluate(expression: string): Promise<unknown>;
}

export interface Browser {
  openTab(): Promise<Tab>;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'pod-identity-browser-'));
  const child = spawn(executable, [...switches, `--user-data-dir=${profile}`], {
    // Without the variables of this process, which may name a proxy or a display.
    env: { HOME: profile, PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  const [, , , input, output] = child.stdio as unknown as [null, null, null, Writable, Readable];
  const connection = connect(input, output);
  return {
    async openTab() {
      const { targetId } = await connection.send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await connection.send('Target.attachToTarget', { targetId, flatten: true });
      // Keys reach a tab that has the focus, and Chromium gives it to the newest tab some time after it is made.
      const focus = { enabled: true };
      await connection.send('Emulation.setFocusEmulationEnabled', focus, String(sessionId));
      return tabOf(connection, String(sessionId));
    },
    async close() {
      child.kill();
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Connection = ReturnType<typeof connect>;

function tabOf(connection: Connection, sessionId: string): Tab {
  const send = (method: string, params: object = {}) => connection.send(method, params, sessionId);
  return {
    send,
    events: (method) => connection.events(method, sessionId),
    async show(url) {
      await send('Page.enable');
      await send('Page.setLifecycleEventsEnabled', { enabled: true });
      const { loaderId, errorText } = await send('Page.navigate', { url });
      if (typeof errorText === 'string') throw new Error(`Chromium can't open ${url}: ${errorText}`);
      const isLoad = (params: Result): boolean =>
        params['name'] === 'load' && params['loaderId'] === loaderId;
      await connection.first('Page.lifecycleEvent', sessionId, isLoad);
    },
    async evaluate(expression) {
      const { result, exceptionDetails } = await send('Runtime.evaluate', {
        expression,
        returnByValue: true,
      });
      if (exceptionDetails !== undefined)
        throw new Error(`${expression}: ${String((result as { description?: string }).description)}`);
      return (result as { value?: unknown }).value;
    },
  };
}

/** Messages are JSON, each with a zero byte behind it. */
function connect(input: Writable, output: Readable) {
  const waiting = new Map<number, (message: Message) => void>();
  const seen: Message[] = [];
  const listeners = new Set<(message: Message) => void>();
  let text = '';
  output.setEncoding('utf8').on('data', (part: string) => {
    const messages = (text + part).split('\0');
    text = messages.pop() ?? '';
    for (const one of messages) {
      const message = JSON.parse(one) as Message;
      seen.push(message);
      waiting.get(message.id ?? -1)?.(message);
      for (const listener of listeners) listener(message);
    }
  });
  let lastId = 0;
  return {
    send(method: string, params: object = {}, sessionId?: string): Promise<Result> {
      const id = (lastId += 1);
      const response = deadline<Result>(`the response of Chromium to ${method}`, (resolve, reject) => {
        waiting.set(id, ({ result = {}, error }) =>
          error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)),
        );
      });
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
      return response;
    },
    events: (method: string, sessionId: string) =>
      seen
        .filter((message) => message.method === method && message.sessionId === sessionId)
        .map(({ params = {} }) => params),
    /** The first event of this name for which `matches` is true, those that came already included. */
    first(method: string, sessionId: string, matches: (params: Result) => boolean): Promise<Result> {
      const isIt = (message: Message): boolean =>
        message.method === method && message.sessionId === sessionId && matches(message.params ?? {});
      return deadline<Result>(`the event ${method} of Chromium`, (resolve) => {
        const listener = (message: Message): void => {
          if (isIt(message)) resolve(message.params ?? {});
        };
        listeners.add(listener);
        seen.forEach(listener);
      });
    },
  };
}

function deadline<T>(
  what: string,
  wait: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} did not come within a minute`)), patienceMs);
    const settle =
      <V>(done: (value: V) => void) =>
      (value: V): void => {
        clearTimeout(timer);
        done(value);
      };
    wait(settle(resolve), settle(reject));
  });
}
