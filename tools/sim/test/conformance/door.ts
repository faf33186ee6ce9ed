// The conformance room: statements about the Kubernetes API that the simulator and real API servers must satisfy.
// A row must not depend on which of them it runs against, except for the differences that it declares.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

export interface Credentials {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** All fields that rows read, in one type for all responses. */
export interface Body {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp: string;
    readonly generation: number;
    readonly finalizers: readonly string[];
    readonly labels: Readonly<Record<string, string>>;
    readonly continue: string;
    readonly remainingItemCount: number;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly addresses: readonly unknown[];
  };
  readonly items: readonly Body[];
  readonly message: string;
  readonly reason: string;
  readonly details: { readonly causes: readonly { readonly field: string; readonly reason: string }[] };
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly unknown[];
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly categories?: readonly string[];
  }[];
  readonly groups: readonly { readonly name: string }[];
}

export interface Answer {
  readonly status: number;
  readonly body: Body;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Body;
}

export interface Ask {
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  /** In whose name an administrator asks. */
  readonly as?: string;
}

/** A client of an API server. */
export interface Door {
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** Events until one matches, or the stream ends. */
  watch(path: string, isLast?: (event: WatchEvent) => boolean): Promise<WatchEvent[]>;
  /** The same, but resolves when the server has accepted; `events` then collects. */
  openWatch(path: string): Promise<{ until(isLast?: (event: WatchEvent) => boolean): Promise<WatchEvent[]> }>;
}

export function openDoor(server: string, credentials?: Credentials): Door {
  const send = async (
    method: string,
    path: string,
    { body, contentType, accept, as }: Ask,
  ): Promise<IncomingMessage> => {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const usual = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = {
      accept: accept ?? 'application/json',
      ...(as === undefined ? {} : { 'impersonate-user': as }),
      ...(text === undefined
        ? {}
        : { 'content-type': contentType ?? usual, 'content-length': Buffer.byteLength(text) }),
    };
    const options = { method, headers, ...credentials };
    const call = credentials ? httpsRequest(server + path, options) : httpRequest(server + path, options);
    call.end(text);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    return response;
  };

  const openWatch: Door['openWatch'] = async (path) => {
    const response = await send('GET', path, {});
    const lines = eventsOf(response);
    return {
      until: async (isLast = () => false) => {
        const events: WatchEvent[] = [];
        for await (const event of lines) {
          events.push(event);
          if (isLast(event)) break;
        }
        response.destroy();
        return events;
      },
    };
  };

  return {
    openWatch,
    watch: async (path, isLast) => (await openWatch(path)).until(isLast),
    ask: async (method, path, ask = {}) => {
      const response = await send(method, path, ask);
      const text = await textOf(response);
      return { status: response.statusCode ?? 0, body: parsed(text) };
    },
  };
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  return text;
}

/** A text that is not JSON is returned as the body, which rows compare as a whole. */
function parsed(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return text as unknown as Body;
  }
}

async function* eventsOf(response: IncomingMessage): AsyncGenerator<WatchEvent> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as WatchEvent;
  }
}
