// A proxy from a pod to NMI that records requests and responses. It changes no byte, and NMI sees the pod's address.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { whyOneAddress } from '@pod-identity/kit/testing';
import { within } from '../../stage/within.ts';
import type { StageNmi, StagePod } from '../../stage/stage.ts';

/** One request and its response, as sent. */
export interface RecordedCall {
  readonly method: string;
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  /** 0 until there is a response. */
  readonly status: number;
  readonly answeredAt: number;
}

export interface RecordedPath {
  /** The URL to which a program in the pod connects instead of 169.254.169.254. '' for a path on a Unix socket. */
  readonly url: string;
  /** In the order of the requests. */
  readonly calls: readonly RecordedCall[];
  /** Resolves with the first call, past or future, at its request. */
  asked(): Promise<RecordedCall>;
  /** Resolves with the first call, past or future, at its response. */
  answered(): Promise<RecordedCall>;
  close(): Promise<void>;
}

export interface RecordedPathOptions {
  readonly pod: StagePod;
  readonly nmi: StageNmi;
  /** A Unix socket to listen on, for programs in other network namespaces. Default: the pod's own address. */
  readonly socket?: string;
}

/** Longer than the longest --hold. */
const patienceMs = 90_000;

type Draft = { -readonly [Field in keyof RecordedCall]: RecordedCall[Field] };

export async function openRecordedPath({ pod, nmi, socket }: RecordedPathOptions): Promise<RecordedPath> {
  const calls: Draft[] = [];
  const asked = Promise.withResolvers<RecordedCall>();
  const answered = Promise.withResolvers<RecordedCall>();
  const sockets = new Set<Socket>();
  const keep = (end: Socket) => sockets.add(end.once('close', () => sockets.delete(end)));

  const server = createServer((inside) => {
    const outside = connect({ host: nmi.address, port: nmi.port, localAddress: pod.address });
    const open: Draft[] = [];
    const requests = createHeadReader(({ first, headers }) => {
      const [method = '', target = ''] = first.split(' ');
      const call = { method, target, headers, askedAt: Date.now(), status: 0, answeredAt: 0 };
      calls.push(call);
      open.push(call);
      asked.resolve(call);
    });
    const answers = createHeadReader(({ first }) => {
      const call = open.shift();
      if (call === undefined) throw new Error(`an answer without a request: ${first}`);
      call.status = Number(first.split(' ')[1]);
      call.answeredAt = Date.now();
      answered.resolve(call);
    });
    join({ from: inside, to: outside, hear: requests });
    join({ from: outside, to: inside, hear: answers });
    keep(inside);
    keep(outside);
  });
  const host = whyOneAddress() === undefined ? pod.address : '127.0.0.1';
  server.listen(socket === undefined ? { host, port: 0 } : { path: socket });
  await once(server, 'listening');

  return {
    url: socket === undefined ? `http://${host}:${(server.address() as AddressInfo).port}` : '',
    calls,
    asked: () => within(patienceMs, 'a request on the path', asked.promise),
    answered: () => within(patienceMs, 'an answer on the path', answered.promise),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const end of sockets) end.destroy();
      await within(patienceMs, 'the path to close', closed);
    },
  };
}

function join({ from, to, hear }: { from: Socket; to: Socket; hear: (bytes: Buffer) => void }): void {
  from.on('data', hear);
  from.pipe(to);
  from.once('error', () => to.destroy());
  from.once('close', () => to.end());
}

interface Head {
  readonly first: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reports the head of each message; bodies are skipped by their Content-Length. */
function createHeadReader(onHead: (head: Head) => void): (bytes: Buffer) => void {
  let text = '';
  let toSkip = 0;
  return (bytes) => {
    text += bytes.toString('latin1');
    for (;;) {
      const skipped = Math.min(toSkip, text.length);
      text = text.slice(skipped);
      toSkip -= skipped;
      const end = text.indexOf('\r\n\r\n');
      if (toSkip > 0 || end < 0) return;
      const [first = '', ...lines] = text.slice(0, end).split('\r\n');
      const headers = Object.fromEntries(lines.map(headerOf));
      text = text.slice(end + 4);
      toSkip = Number(headers['content-length'] ?? 0);
      onHead({ first, headers });
    }
  };
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
