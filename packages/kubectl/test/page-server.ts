// Plays pictures to the page, as the server of `ui` does.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pageDocument } from '../src/ui/page/document.ts';
import type { Change, ClusterChecks, Picture, PodStory } from '../src/ui/picture.ts';

export interface PageServer {
  /** With the token. */
  readonly url: string;
  /** What the page asked for, with the value of its token header. */
  readonly requests: readonly { readonly path: string; readonly token: string | undefined }[];
  /** What a page gets that opens the stream from now on. */
  play(picture: Picture): void;
  story: PodStory | undefined;
  checks: ClusterChecks;
  send(event: 'picture' | 'change' | 'problem', data: Picture | Change | { readonly text: string }): void;
  /** Ends the streams, as a command that was stopped. */
  drop(): void;
  close(): Promise<void>;
}

const [token, proof] = ['a-token', 'a-proof'];
const policy = `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** `folder`: of the built page. */
export async function startPagePlayer(folder: string): Promise<PageServer> {
  const files = new Map([
    ['/', { type: 'text/html', body: pageDocument }],
    ['/page.js', { type: 'text/javascript', body: await readFile(join(folder, 'page.js'), 'utf8') }],
    ['/page.css', { type: 'text/css', body: await readFile(join(folder, 'page.css'), 'utf8') }],
  ]);
  const streams = new Set<ServerResponse>();
  const requests: { path: string; token: string | undefined }[] = [];
  let first: Picture | undefined;
  const write = (response: ServerResponse, event: string, data: unknown) =>
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const server = createServer(({ url = '', headers }, response) => {
    const given = headers['x-pod-identity-token'];
    requests.push({ path: url, token: typeof given === 'string' ? given : undefined });
    const file = files.get(url);
    response.setHeader('content-security-policy', policy);
    if (given === token) response.setHeader('x-pod-identity-proof', proof);
    if (file) response.writeHead(200, { 'content-type': file.type }).end(file.body);
    else if (given !== token) response.writeHead(401).end();
    else if (url === '/v1/picture') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      streams.add(response);
      response.on('close', () => streams.delete(response));
      write(response, 'picture', first);
    } else if (url === '/v1/checks') response.writeHead(200).end(JSON.stringify(player.checks));
    else if (player.story === undefined) response.writeHead(502).end('there is no such pod');
    else response.writeHead(200).end(JSON.stringify(player.story));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const player: PageServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/#token=${token}.${proof}`,
    requests,
    story: undefined,
    checks: { findings: [], unknown: [] },
    play(picture) {
      first = picture;
    },
    send(event, data) {
      for (const stream of streams) write(stream, event, data);
    },
    drop() {
      for (const stream of streams) stream.destroy();
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return player;
}
