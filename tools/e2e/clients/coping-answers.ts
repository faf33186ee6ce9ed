// What the scripted server sends to the first request of a client: the answers that IMDS documents, and broken ones. All other requests
// get a token.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tokenBody, tokenLifeSeconds } from '../../stage/token-body.ts';

export interface ScriptedAnswer {
  readonly title: string;
  /** The cell of imds-client, as its README promises it. */
  readonly promised: string;
  /** Seconds before which the next request should not come. */
  readonly retryAfter?: number;
  /** `other`: the URL of a server at another address. */
  readonly send: (response: ServerResponse, request: IncomingMessage, other: string) => void;
}

/** Of the scripted server, and of the address or the path that its redirect leads to. */
export const tokens = { own: 'token-of-the-endpoint', other: 'token-of-another-address' } as const;

const nowSeconds = () => Math.floor(Date.now() / 1000);

type Send = ScriptedAnswer['send'];

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Send {
  return (response) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
}

const refusal = (status: number, headers?: Readonly<Record<string, string>>): Send =>
  json(status, { error: 'scripted', error_description: `scripted answer ${status}` }, headers);

const atOnce = 'error at once';
const again = 'token, 2 requests';

function documented(status: number, name: string, promised: string): ScriptedAnswer {
  return { title: `${status} ${name}`, promised, send: refusal(status) };
}

const refusals: readonly ScriptedAnswer[] = [
  documented(400, 'bad request', atOnce),
  documented(401, 'unauthorized', atOnce),
  documented(403, 'forbidden', atOnce),
  documented(404, 'not found', again),
  documented(405, 'method not allowed', atOnce),
  documented(410, 'gone', again),
  documented(429, 'too many requests', again),
  documented(500, 'internal error', again),
  documented(503, 'unavailable', again),
  documented(504, 'gateway timeout', again),
  {
    title: '404 with a web page',
    promised: again,
    send: (response) => {
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>Not found</html>');
    },
  },
  {
    title: '503 without a body',
    promised: again,
    send: (response) => {
      response.writeHead(503).end();
    },
  },
];

const httpDate = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

const waits: readonly ScriptedAnswer[] = [
  {
    title: '429 with `Retry-After: 4`',
    promised: again,
    retryAfter: 4,
    send: refusal(429, { 'Retry-After': '4' }),
  },
  {
    title: '503 with `Retry-After` as a date 5 s ahead',
    promised: again,
    // A date has no fractions of a second.
    retryAfter: 4,
    send: (...call) => refusal(503, { 'Retry-After': httpDate(5) })(...call),
  },
  {
    title: '429 with `Retry-After: 3600`',
    promised: atOnce,
    retryAfter: 3600,
    send: refusal(429, { 'Retry-After': '3600' }),
  },
];

/** A megabyte at a time, as fast as the client reads. */
function sendLargeBody(response: ServerResponse): void {
  const megabytes = 300;
  const part = Buffer.alloc(1_000_000, ' ');
  let sent = 0;
  const more = () => {
    while (sent < megabytes) {
      sent += 1;
      if (!response.write(part)) return void response.once('drain', more);
    }
    response.end(JSON.stringify(tokenBody(tokens.own)));
  };
  response.writeHead(200, { 'Content-Type': 'application/json' });
  more();
}

function sendHalf(response: ServerResponse, then: 'close' | 'hang'): void {
  const body = JSON.stringify(tokenBody(tokens.own));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': String(body.length) });
  response.write(body.slice(0, body.length / 2), () => {
    if (then === 'close') response.destroy();
  });
}

const brokenConnections: readonly ScriptedAnswer[] = [
  { title: 'no answer', promised: again, send: () => undefined },
  { title: 'half of a body, then nothing', promised: again, send: (response) => sendHalf(response, 'hang') },
  {
    title: 'half of a body, then the end of the connection',
    promised: again,
    send: (response) => sendHalf(response, 'close'),
  },
  {
    title: 'the end of the connection',
    promised: again,
    send: (_, request) => void request.socket.destroy(),
  },
  {
    title: 'bytes that are not HTTP',
    promised: atOnce,
    send: (_, request) => void request.socket.end(Buffer.from('00ff1337deadbeef0a0d0a0d', 'hex')),
  },
];

const brokenAnswers: readonly ScriptedAnswer[] = [
  {
    title: '302 to another address that has a token',
    promised: atOnce,
    send: (response, _, other) => {
      response.writeHead(302, { Location: `${other}/` }).end();
    },
  },
  {
    title: '302 to another path that has a token',
    promised: atOnce,
    send: (response) => {
      response.writeHead(302, { Location: '/other' }).end();
    },
  },
  { title: '200 with 300 MB', promised: atOnce, send: (response) => sendLargeBody(response) },
  {
    title: '200 with a web page',
    promised: atOnce,
    send: (response) => {
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>Please log in</html>');
    },
  },
  { title: '200 without a token', promised: atOnce, send: json(200, {}) },
  {
    title: '200 with a token without an expiry',
    promised: atOnce,
    send: json(200, { access_token: tokens.own, token_type: 'Bearer' }),
  },
  {
    // As a cache gives it: `expires_in` is that of its first day.
    title: '200 with a token that has expired',
    promised: atOnce,
    send: json(200, tokenBody(tokens.own, nowSeconds() - 60)),
  },
  {
    title: '200 with `expires_on` in milliseconds',
    promised: atOnce,
    send: json(200, tokenBody(tokens.own, (nowSeconds() + tokenLifeSeconds) * 1000)),
  },
];

export const scriptedAnswers: readonly ScriptedAnswer[] = [
  { title: '200 with a token', promised: 'token', send: (response) => sendToken(response, 'own') },
  ...refusals,
  ...waits,
  ...brokenConnections,
  ...brokenAnswers,
];

export function sendToken(response: ServerResponse, whose: keyof typeof tokens): void {
  json(200, tokenBody(tokens[whose]))(response, response.req, '');
}
