import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { LimitEffect } from '../../core/limit-effect.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { createConnections } from './connections.ts';

class Line extends Duplex {
  readonly remoteAddress: string;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
  }
  override _read() {
    // No data.
  }
}

const hostile = (pod: number) => `10.1.0.${pod}`;
const calm = '10.1.0.200';
const elsewhere = '10.2.0.1';

const stage = (requestsPerSecond = 100) => {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const effects = new Set<LimitEffect>();
  const connections = createConnections({
    requestsPerSecond,
    connections: 4_096,
    connectionsPerCaller: 1_024,
    clock,
    describe: () => undefined,
    onLimited: (effect) => effects.add(effect),
    groupOf: (peer) => peer.split('.')[1],
  });
  /** A client that connects and leaves at once; returns whether its connection was served. */
  const connect = async (peer: string) => {
    const line = new Line(peer);
    const isServed = connections.admit(line as unknown as Socket);
    if (isServed) connections.enter(line as unknown as Socket);
    line.destroy();
    // Its 'close' event.
    await clock.advance(0);
    return isServed;
  };
  /** How many connections of each pod in turn are served. */
  const connectMany = async (pods: number, count: number) => {
    let served = 0;
    for (let index = 0; index < count; index += 1)
      if (await connect(hostile(1 + (index % pods)))) served += 1;
    return served;
  };
  return { clock, effects, connect, connectMany };
};

describe('callers that open connections and leave', () => {
  it('as one group are served 1,000 at once beside what each may open anyway, and 500 a second', async () => {
    const { clock, effects, connectMany } = stage();
    expect(await connectMany(10, 10_000)).toBe(1_000 + 10 * 20);
    expect([...effects]).toEqual(['turned-away']);
    await clock.advance(1_000);
    expect(await connectMany(10, 2_000)).toBe(500 + 10 * 5);
  });

  it('close no connection of a calm caller in their group, or of another group', async () => {
    const { clock, connect, connectMany } = stage();
    for (let second = 0; second < 20; second += 1) {
      await connectMany(20, 4_000);
      expect([await connect(calm), await connect(elsewhere)]).toEqual([true, true]);
      await clock.advance(1_000);
    }
  });

  it('are not limited where requests are not', async () => {
    const { connectMany } = stage(0);
    expect(await connectMany(1, 3_000)).toBe(3_000);
  });

  it('are not limited if they are programs of the node itself, which may connect for many pods', async () => {
    const { connect } = stage();
    for (let index = 0; index < 3_000; index += 1) expect(await connect('127.0.0.1')).toBe(true);
  });
});
