import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import { pinInput } from './pin-rules.ts';
import { keepPortPins, removePortPins } from './port-pins.ts';
import { ProgramError, type RunProgram } from './run-program.ts';

const listener = { host: '127.0.0.1', port: 2579 };
const metrics = { host: '10.240.0.4', port: 9090 };

describe('the rules of the ports', () => {
  it('keep the destination of packets to the addresses at which NMI listens, and to no other', () => {
    const lines = (pinInput([listener, metrics]) ?? '').split('\n').map((line) => line.trim());
    expect(lines.filter((line) => line.includes('dport'))).toEqual([
      'ip daddr 127.0.0.1 tcp dport 2579 dnat to ip daddr',
      'ip daddr 10.240.0.4 tcp dport 9090 dnat to ip daddr',
    ]);
  });

  it.each(['', '0.0.0.0', '::'])('are for every local address where NMI listens on "%s"', (host) => {
    expect(pinInput([{ host, port: 2579 }])).toContain('fib daddr type local tcp dport 2579');
  });

  it.each([
    { host: '127.0.0.1', port: 0 },
    { host: '::1', port: 2579 },
    { host: 'node7', port: 2579 },
  ])('are not there for $host:$port', (place) => {
    expect(pinInput([place])).toBeUndefined();
  });
});

function stage() {
  const clock = createFakeClock();
  const node = { table: undefined as string | undefined, trouble: undefined as Error | undefined, writes: 0 };
  const run: RunProgram = (_, args, input = '') => {
    if (node.trouble) return Promise.reject(node.trouble);
    if (args.includes('list'))
      return node.table === undefined
        ? Promise.reject(new ProgramError('failed', 'No such file or directory', 1))
        : Promise.resolve(node.table);
    node.writes += 1;
    node.table = input.includes('{') ? input : undefined;
    return Promise.resolve('');
  };
  const lines: string[] = [];
  const log = createLog({ component: 'nmi', destination: { write: (line) => lines.push(line) } });
  const stop = new AbortController();
  const options = { sockets: [listener], everyMs: 5_000, run, clock, log };
  return { clock, node, run, lines, stop, keep: () => keepPortPins(options, stop.signal) };
}

it('the rules are written once, put right when somebody removes them, and stay when NMI ends', async () => {
  const { clock, node, stop, keep } = stage();
  const kept = keep();
  await clock.advance(10_000);
  expect([node.writes, node.table?.includes('2579')]).toEqual([1, true]);
  node.table = undefined;
  await clock.advance(5_000);
  expect(node.table).toContain('2579');
  stop.abort();
  await kept;
  expect(node.table).toContain('2579');
});

it('a node without nft is told once, with what helps instead', async () => {
  const { clock, node, lines, stop, keep } = stage();
  node.trouble = new ProgramError('missing', 'nft is not there');
  const kept = keep();
  await clock.advance(60_000);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('deploy/policies/nmi-ports.yaml');
  stop.abort();
  await kept;
});

it('are removed with NMI', async () => {
  const { clock, node, run, stop, keep } = stage();
  const kept = keep();
  await clock.advance(0);
  stop.abort();
  await kept;
  expect([await removePortPins(run), node.table, await removePortPins(run)]).toEqual([
    true,
    undefined,
    false,
  ]);
});
