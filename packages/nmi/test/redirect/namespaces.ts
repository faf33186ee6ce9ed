// Network namespaces of one test: a node, a pod on it, and if asked for a fabric beyond the node that has the metadata service.
import { execFileSync, spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import type { KernelFiles } from '../../src/redirect/kernel-settings.ts';
import { runProgram, type RunProgram } from '../../src/redirect/run-program.ts';

export const metadata = { host: '169.254.169.254', port: 80 };
export const listen = { host: '127.0.0.1', port: 2579 };

export interface Talker {
  /** Writes a line and answers the line that comes back. */
  say(line: string): Promise<string>;
  /** Kills it and waits for its end. */
  kill(): Promise<void>;
}

export interface World {
  /** Runs programs on the node, as the agent does. */
  readonly run: RunProgram;
  readonly files: KernelFiles;
  sh(command: string): string;
  serve(name: 'IMDS' | 'pod-identity-nmi' | 'SECRET', at?: { host: string; port: number }): Promise<Talker>;
  /** A pod that calls an address. */
  caller(at?: { host: string; port: number }): Promise<Talker>;
  /** A pod that calls without pause. */
  hammer(): Promise<Talker>;
  prober(): Promise<Talker>;
  /** Gives the pod a way to the node's loopback addresses, as an attacker beside the node has. */
  letPodTryLoopback(): void;
  /** A program of the node that runs on; ready when it has said a line. */
  start(command: readonly string[]): Promise<Talker>;
  end(): Promise<void>;
}

/** Why there can be no such test here; undefined when there can. With POD_IDENTITY_REQUIRE_KIT=1 that is an error. */
export const whyNoNamespaces = (): string | undefined =>
  whyNoPrograms({ programs: ['ip', 'nft', 'iptables', 'conntrack', 'flock', 'sysctl'], root: true });

let worlds = 0;

/** `fabric`: the metadata service is beyond the node, as in Azure; else it is on the node's own loopback interface. */
export function createWorld(imdsIs: 'beyond the node' | 'on the node'): World {
  worlds += 1;
  const [node, pod, fabric] = ['n', 'p', 'f'].map((letter) => `pir${process.pid}${letter}${worlds}`) as [
    string,
    string,
    string,
  ];
  const isBeyond = imdsIs === 'beyond the node';
  const spaces = isBeyond ? [node, pod, fabric] : [node, pod];
  const ip = (text: string) => execFileSync('ip', text.split(' '));
  const join1 = (one: string, other: string, addresses: readonly [string, string, string]) => {
    const [device, near, far] = addresses;
    ip(`link add ${device} netns ${one} type veth peer name eth0 netns ${other}`);
    ip(`-n ${one} addr add ${near}/24 dev ${device}`);
    ip(`-n ${one} link set ${device} up`);
    ip(`-n ${other} addr add ${far}/24 dev eth0`);
    ip(`-n ${other} link set eth0 up`);
  };
  for (const space of spaces) {
    ip(`netns add ${space}`);
    ip(`-n ${space} link set lo up`);
  }
  join1(node, pod, ['pod0', '10.9.0.1', '10.9.0.2']);
  ip(`-n ${pod} route add default via 10.9.0.1`);
  if (isBeyond) {
    join1(node, fabric, ['out0', '10.8.0.1', '10.8.0.2']);
    ip(`-n ${node} route add default via 10.8.0.2`);
    ip(`-n ${fabric} route add 10.9.0.0/24 via 10.8.0.1`);
  }
  ip(`-n ${isBeyond ? fabric : node} addr add ${metadata.host}/32 dev lo`);

  const on = (space: string, ...command: string[]) => ['netns', 'exec', space, ...command];
  const sh = (command: string) =>
    execFileSync('ip', on(node, 'sh', '-c', command), { encoding: 'utf8', stdio: 'pipe' });
  if (isBeyond) sh('sysctl -qw net.ipv4.ip_forward=1');
  // On a node somebody (kube-proxy) has the kernel remember connections from the start: those keep their way when rules come.
  sh(
    "nft 'table ip others { chain seen { type filter hook prerouting priority -150; ct state established counter; }; }'",
  );
  const run: RunProgram = async (program, args, input) => {
    // What `ip` says of a program that is missing is not what starting it says.
    return runProgram('ip', on(node, program, ...args), input);
  };
  const talkers: Talker[] = [];
  const talk = async (space: string, command: readonly string[]) => {
    const talker = await startTalker(on(space, ...command));
    talkers.push(talker);
    return talker;
  };
  const fixture = (name: string) => [process.execPath, join(import.meta.dirname, name)];
  const place = ({ host, port }: { host: string; port: number }) => [host, String(port)];

  return {
    run,
    sh,
    files: {
      read: (path) => run('cat', [path]).catch(() => undefined),
      write: async (path, text) => {
        await run('tee', [path], text);
      },
    },
    serve: (name, at = name === 'IMDS' ? metadata : listen) =>
      talk(name === 'IMDS' && isBeyond ? fabric : node, [...fixture('serve.mjs'), name, ...place(at)]),
    caller: (at = metadata) => talk(pod, [...fixture('call.mjs'), ...place(at)]),
    hammer: () => talk(pod, [...fixture('hammer.mjs'), ...place(metadata)]),
    letPodTryLoopback: () => {
      const command =
        'ip addr flush dev lo; sysctl -qw net.ipv4.conf.all.route_localnet=1; ip route add 127.0.0.1/32 via 10.9.0.1';
      execFileSync('ip', on(pod, 'sh', '-c', command));
    },
    prober: () => talk(node, [...fixture('probe.ts'), ...place(metadata)]),
    start: (command) => talk(node, command),
    end: async () => {
      await Promise.all(talkers.map((talker) => talker.kill()));
      for (const space of spaces) ip(`netns del ${space}`);
    },
  };
}

async function startTalker(command: readonly string[]): Promise<Talker> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn('ip', command, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const line = await lines.next();
    if (line.done) throw new Error(`${command.join(' ')} ended`);
    return line.value;
  };
  await next();
  return {
    say: async (line) => {
      child.stdin.write(`${line}\n`);
      return next();
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
