// What a client of the metadata service costs a program: processes that import it and get one token from a server on loopback.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { findNode20 } from '@pod-identity/kit/testing';
import { build } from 'esbuild';
import { runCommand } from '../../stage/run-command.ts';
import { startService } from '../../stage/service.ts';
import { tokenBody } from '../../stage/token-body.ts';
import type { Scale } from '../scale.ts';
import type { Figures } from '../report.ts';
import { figuresOf, shown, type Round, type Runtime, type Taken } from './imds-figures.ts';

const program = fileURLToPath(new URL('../programs/one-token.mjs', import.meta.url));
const library = fileURLToPath(new URL('../../../packages/imds-client/dist/index.mjs', import.meta.url));

interface Sizes {
  readonly rounds: number;
  /** In each of a hundred series. */
  readonly cachedCalls: number;
}

const sizes: Readonly<Record<Scale, Sizes>> = {
  full: { rounds: 11, cachedCalls: 5000 },
  smoke: { rounds: 1, cachedCalls: 10 },
};

export async function benchImds(say: (text: string) => void, scale: Scale): Promise<Figures> {
  const server = await openTokenServer();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const runtimes: Runtime[] = [];
  try {
    for (const node of await nodesHere(say)) {
      const rounds: Round[] = [];
      const count = node.executable === '' ? 0 : sizes[scale].rounds;
      for (let round = 0; round < count; round += 1) {
        const taken = await roundOf({ node: node.executable, url, cachedCalls: sizes[scale].cachedCalls });
        say(`Node ${node.version}, round ${round + 1}: ${shown(taken)}`);
        rounds.push(taken);
      }
      runtimes.push({ ...node, rounds });
    }
  } finally {
    server.close();
  }
  return figuresOf(runtimes, await gzipBytes());
}

/** Each process after the other, so that the machine's other work meets all of them. */
async function roundOf(how: Playing): Promise<Round> {
  return {
    bare: await play('bare', { ...how, cachedCalls: 0 }),
    ours: await play('imds-client', how),
    identity: await play('identity', { ...how, cachedCalls: 0 }),
    msal: await play('msal', { ...how, cachedCalls: 0 }),
  };
}

interface Playing {
  /** The executable. */
  readonly node: string;
  readonly url: string;
  readonly cachedCalls: number;
}

async function play(client: string, { node, url, cachedCalls }: Playing): Promise<Taken> {
  const service = startService({
    name: `a program with ${client}`,
    executable: node,
    entry: program,
    args: [client, String(cachedCalls)],
    // Without the address, a client would send its request to that of the real metadata service.
    // With HOME, Node joins more paths at its start; whether V8 then compiles the function that does so, in which of the
    // processes, depends on the length of the paths.
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: url, PATH: '/nonexistent', HOME: '' },
  });
  try {
    return JSON.parse(await service.line((line) => line.startsWith('{'))) as Taken;
  } finally {
    await service.stop();
  }
}

interface NodeHere extends Omit<Runtime, 'rounds'> {
  /** '' if it is not here. */
  readonly executable: string;
}

/** This one; and Node 20, the oldest that the library supports, if there is one. */
async function nodesHere(say: (text: string) => void): Promise<readonly NodeHere[]> {
  const version = process.versions.node;
  const nodes: NodeHere[] = [{ executable: process.execPath, suffix: '', version }];
  const executable = findNode20();
  if (executable !== undefined) {
    const { stdout } = await runCommand(executable, ['--version']);
    return [...nodes, { executable, suffix: 'Node20', version: stdout.trim().slice(1) }];
  }
  say('there is no Node 20 here (set POD_IDENTITY_SYSTEM_NODE to one)');
  return [...nodes, { executable: '', suffix: 'Node20', version: '20, which is not here' }];
}

/** Of the built library, as a bundle for Node.js. */
async function gzipBytes(): Promise<number> {
  const options = { bundle: true, minify: true, format: 'esm', platform: 'node', write: false } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [library], logLevel: 'silent' });
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length;
}

async function openTokenServer(): Promise<Server> {
  const server = createServer((_, response) => {
    const text = JSON.stringify(tokenBody('t'.repeat(1500)));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
