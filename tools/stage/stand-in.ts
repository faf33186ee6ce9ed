// A program on the PATH that is not here: it hands its words to this process, which answers.
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** How a program ended. */
export interface StandInEnd {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface StandIn {
  /** The words of each call so far. */
  readonly calls: readonly (readonly string[])[];
  stop(): Promise<void>;
}

/** Writes the program into this folder, which is made if needed. */
export async function installStandIn(
  { folder, name }: { readonly folder: string; readonly name: string },
  answer: (words: readonly string[]) => StandInEnd | Promise<StandInEnd>,
): Promise<StandIn> {
  const calls: (readonly string[])[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const words = JSON.parse(await text(request)) as string[];
      calls.push(words);
      const refused = (error: unknown) => ({ code: 1, output: '', errors: `${String(error)}\n` });
      response.end(JSON.stringify(await Promise.resolve(words).then(answer).catch(refused)));
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await mkdir(folder, { recursive: true });
  const { port } = server.address() as AddressInfo;
  await writeFile(join(folder, name), program(port), { mode: 0o755 });
  return {
    calls,
    async stop() {
      server.close();
      await once(server, 'close');
    },
  };
}

const program = (port: number) => `#!${process.execPath}
import('node:http').then(({ request }) => {
  const sent = request({ host: '127.0.0.1', port: ${port}, method: 'POST', agent: false }, async (response) => {
    let text = '';
    for await (const part of response.setEncoding('utf8')) text += part;
    const { code, output, errors } = JSON.parse(text);
    process.stdout.write(output);
    process.stderr.write(errors);
    process.exitCode = code;
  });
  sent.end(JSON.stringify(process.argv.slice(2)));
});
`;
