import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { LimitEffect } from '../../core/limit-effect.ts';
import { createFakeClock } from '../../testing/fake-clock.ts';
import { createConnections, type ConnectionLimits } from './connections.ts';

const asker = '10.0.0.1';
const other = '10.0.0.2';

/** Pauses, resumes and closes like a socket. */
class Line extends Duplex {
  readonly remoteAddress: string;
  constructor(remoteAddress: string) {
    super();
    this.remoteAddress = remoteAddress;
    Object.defineProperty(this, 'writableLength', { get: () => this.left });
    this.resume();
  }
  override _read() {
    // No data.
  }
  /** Bytes that the kernel has not taken. */
  left = 0;
}

/** Node closes a response when its last byte was taken. */
class Answer extends EventEmitter {
  readonly isTaken: boolean;
  constructor(isTaken: boolean) {
    super();
    this.isTaken = isTaken;
  }
  /** It is the turn of this response. */
  readonly socket = {};
  end() {
    return this;
  }
}

/** Ends before earlier responses, so it keeps its bytes and has no socket yet. */
class EarlyAnswer extends Answer {
  override readonly socket = null as unknown as object;
  readonly writableLength: number;
  constructor(writableLength: number) {
    super(false);
    this.writableLength = writableLength;
  }
}

const underWay = () => new Answer(false);
const finished = () => new Answer(true);

const stage = (limits: Partial<ConnectionLimits> = {}) => {
  const clock = createFakeClock(Date.UTC(2026, 0, 1));
  const effects: (readonly [LimitEffect, string])[] = [];
  const connections = createConnections({
    requestsPerSecond: 1,
    connections: 100,
    connectionsPerCaller: 50,
    ...limits,
    clock,
    describe: (peer, openedAt) => ({ peer, openedAt }),
    onLimited: (effect, peer) => effects.push([effect, peer]),
  });
  const enter = (peer: string) => {
    const line = new Line(peer);
    connections.enter(line as unknown as Socket);
    return line;
  };
  const enterMany = (peer: string, count: number) => Array.from({ length: count }, () => enter(peer));
  const arrive = (line: Line, answer: Answer = finished()) => {
    const response = answer as unknown as ServerResponse;
    const arrival = connections.arrive(line as unknown as Socket, response, clock.elapsed());
    connections.given(line as unknown as Socket, response);
    if (answer.isTaken) answer.emit('close');
    return arrival;
  };
  const mayAsk = (line: Line) => connections.acceptsRequest(line as unknown as Socket);
  const ask = (line: Line, count: number) =>
    Array.from({ length: count }, () => arrive(line)).map(({ verdict }) => verdict);
  /** Streams emit the resumption on the next turn. */
  const settle = () => clock.advance(0);
  return { clock, effects, connections, enter, enterMany, arrive, ask, mayAsk, settle };
};

/** The indexes of those that are read. */
const read = (lines: readonly Line[]) => [...lines.keys()].filter((index) => !lines[index]!.isPaused());
const open = (lines: readonly Line[]) => [...lines.keys()].filter((index) => !lines[index]!.destroyed);

describe('the description of a connection', () => {
  it('is created when the connection opens', async () => {
    const { clock, enter, arrive } = stage();
    const openedAt = clock.elapsed();
    const line = enter(`::ffff:${asker}`);
    await clock.advance(5);
    expect(arrive(line)).toEqual({
      peer: asker,
      connection: { peer: asker, openedAt },
      verdict: 'answer',
    });
  });

  it('is undefined for a connection that was never admitted, which is not held either', () => {
    const { arrive, connections } = stage();
    const stranger = new Line(asker);
    expect(arrive(stranger)).toEqual({ peer: '', connection: { peer: '', openedAt: 0 }, verdict: 'answer' });
    expect(connections.isHeld(stranger)).toBe(false);
  });
});

describe('a caller over its rate', () => {
  it('is not read on any of its connections, and reported once; another caller is read', async () => {
    const { enter, enterMany, ask, effects, connections, settle } = stage();
    const lines = enterMany(asker, 3);
    const quiet = enter(other);
    expect(ask(lines[0]!, 4)).toEqual(['answer', 'answer', 'answer', 'answer']);
    expect(read(lines)).toEqual([0, 1, 2]);
    expect(ask(lines[1]!, 2)).toEqual(['answer', 'answer']);
    await settle();
    expect(read(lines)).toEqual([]);
    expect(lines.map((line) => connections.isHeld(line))).toEqual([true, true, true]);
    expect([quiet.isPaused(), connections.isHeld(quiet)]).toEqual([false, false]);
    expect(effects).toEqual([['paused', asker]]);
  });

  it('is read again at its rate, the connections in order of arrival', async () => {
    const { clock, enterMany, ask, connections } = stage();
    const lines = enterMany(asker, 3);
    ask(lines[0]!, 5);
    await clock.advance(999);
    expect(read(lines)).toEqual([]);
    await clock.advance(1);
    expect(read(lines)).toEqual([0]);
    expect(connections.isHeld(lines[0]!)).toBe(false);
    ask(lines[0]!, 1);
    expect(read(lines)).toEqual([]);
    await clock.advance(1_000);
    expect(read(lines)).toEqual([1]);
  });

  it('loses no time by idle connections: the next ones are read at once instead', async () => {
    const { clock, enterMany, ask } = stage();
    const lines = enterMany(asker, 3);
    ask(lines[0]!, 5);
    await clock.advance(1_030);
    expect(read(lines)).toEqual([0, 1, 2]);
    expect(clock.pending).toBe(0);
  });

  it('is reported again when it is held a second time', async () => {
    const { clock, enter, ask, effects } = stage();
    const line = enter(asker);
    ask(line, 5);
    await clock.advance(1_000);
    ask(line, 1);
    expect(effects).toEqual([
      ['paused', asker],
      ['paused', asker],
    ]);
  });

  it('is not read on a new connection either', async () => {
    const { enter, ask, settle, connections } = stage();
    ask(enter(asker), 5);
    const newcomer = enter(asker);
    await settle();
    expect([newcomer.isPaused(), connections.isHeld(newcomer)]).toEqual([true, true]);
  });

  it('is not read when the server resumes reading by itself after a request', async () => {
    const { enter, ask, settle } = stage();
    const line = enter(asker);
    ask(line, 5);
    line.resume();
    await settle();
    expect(line.isPaused()).toBe(true);
  });

  it('is not read even if the server’s parser missed the pause', async () => {
    const { enter, ask, settle } = stage();
    const line = enter(asker);
    await settle();
    ask(line, 5);
    let told = 0;
    line.on('pause', () => (told += 1));
    line.emit('resume');
    await settle();
    expect([line.isPaused(), told]).toEqual([true, 1]);
  });

  it('is refused once for requests that were read nevertheless, and further ones on that connection are dropped', () => {
    const { enterMany, ask, effects } = stage();
    const [line, next] = enterMany(asker, 2);
    expect(ask(line!, 10)).toEqual([
      ...['answer', 'answer', 'answer', 'answer', 'answer', 'answer'],
      ...['refuse', 'drop', 'drop', 'drop'],
    ]);
    expect(ask(next!, 2)).toEqual(['refuse', 'drop']);
    expect(effects).toEqual([
      ['paused', asker],
      ['refused', asker],
      ['refused', asker],
    ]);
  });

  it('dropped requests do not count toward its rate', async () => {
    const { clock, enter, ask } = stage();
    const line = enter(asker);
    ask(line, 40);
    const next = enter(asker);
    await clock.advance(3_000);
    expect(read([line, next])).toEqual([0]);
  });

  it('is not limited if it is the node itself', () => {
    const { enter, ask } = stage();
    for (const node of ['127.0.0.1', '::1'])
      expect(ask(enter(node), 100).every((verdict) => verdict === 'answer')).toBe(true);
  });

  it('leaves no timer for closed connections', async () => {
    const { clock, enter, ask } = stage();
    const line = enter(asker);
    ask(line, 5);
    line.destroy();
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });
});

describe('at the end', () => {
  it('all callers are read without a limit, and no timer is left', async () => {
    const { clock, connections, enterMany, ask, settle } = stage();
    const lines = enterMany(asker, 3);
    ask(lines[0]!, 5);
    connections.release();
    await settle();
    expect(read(lines)).toEqual([0, 1, 2]);
    expect(clock.pending).toBe(0);
    expect(ask(lines[1]!, 20).every((verdict) => verdict === 'answer')).toBe(true);
    expect(read(lines)).toEqual([0, 1, 2]);
  });

  it('a caller that was never held has nothing to release', () => {
    const { connections, enter } = stage();
    const line = enter(asker);
    connections.release();
    expect(line.isPaused()).toBe(false);
  });
});

describe('too many connections', () => {
  it('of one caller: the new one is closed', () => {
    const { enter, enterMany, effects } = stage({ connectionsPerCaller: 2 });
    const lines = enterMany(asker, 3);
    expect(open(lines)).toEqual([0, 1]);
    expect(open([enter(other)])).toEqual([0]);
    expect(effects).toEqual([['turned-away', asker]]);
  });

  it('of all: the caller with most loses one to another caller', () => {
    const { enter, enterMany, effects } = stage({ connections: 3 });
    const lines = enterMany(asker, 3);
    const newcomer = enter(other);
    expect(open(lines)).toEqual([1, 2]);
    expect(open([newcomer])).toEqual([0]);
    expect(effects).toEqual([['evicted', asker]]);
  });

  it('of all, and no caller has more than the newcomer: the new one is closed', () => {
    const { enter, effects } = stage({ connections: 2 });
    const lines = [enter(asker), enter(other), enter(asker)];
    expect(open(lines)).toEqual([0, 1]);
    const third = enter('10.0.0.3');
    expect(open([...lines, third])).toEqual([0, 1]);
    expect(effects).toEqual([
      ['turned-away', asker],
      ['turned-away', '10.0.0.3'],
    ]);
  });

  it('of all, and each caller has as many: a newcomer displaces none, even if it was known before them', async () => {
    const { clock, enter } = stage({ connections: 2 });
    enter(asker).destroy();
    await clock.advance(0);
    const lines = [enter(other), enter('10.0.0.3'), enter(asker)];
    expect(open(lines)).toEqual([0, 1]);
  });

  it.each([
    ['whose answer is under way are missed more than an idle one', underWay(), finished(), 1],
    ['that all wait for an answer: the oldest goes', underWay(), underWay(), 0],
    ['that are all idle: the oldest goes', finished(), finished(), 0],
  ])('connections %s', (...[, first, second, gone]) => {
    const { enter, enterMany, arrive } = stage({ connections: 3 });
    const lines = enterMany(asker, 3);
    arrive(lines[0]!, first);
    arrive(lines[1]!, second);
    arrive(lines[2]!, underWay());
    enter(other);
    expect(open(lines)).toEqual([0, 1, 2].filter((index) => index !== gone));
  });

  it('held ones can be closed too', () => {
    const { enter, enterMany, ask } = stage({ connections: 3 });
    const lines = enterMany(asker, 3);
    ask(lines[0]!, 5);
    enter(other);
    expect(open(lines)).toEqual([1, 2]);
  });

  it('closing a connection frees one place', async () => {
    const { clock, enter, enterMany, effects } = stage({ connections: 2, connectionsPerCaller: 2 });
    const lines = enterMany(asker, 2);
    lines[0]!.destroy();
    lines[0]!.emit('close');
    await clock.advance(0);
    const more = enterMany(asker, 2);
    expect(open([...lines, ...more])).toEqual([1, 2]);
    enter(other);
    expect(open([...lines, ...more])).toEqual([2]);
    expect(effects).toEqual([
      ['turned-away', asker],
      ['evicted', asker],
    ]);
  });

  it('a refused connection frees no place when it closes', async () => {
    const { clock, enterMany } = stage({ connections: 2, connectionsPerCaller: 1 });
    const first = enterMany(asker, 3);
    await clock.advance(0);
    const second = [...enterMany(other, 1), ...enterMany('10.0.0.3', 1)];
    expect(open([...first, ...second])).toEqual([0, 3]);
  });
});

describe('too many connections, where idle ones are replaced', () => {
  const world = (connections: number) => stage({ requestsPerSecond: 0, connections, replacesIdle: true });
  /** One more connection of each caller, one a second. */
  const enterInTurn = async ({ enter, clock }: ReturnType<typeof stage>, peers: readonly string[]) => {
    const lines: Line[] = [];
    for (const peer of peers) {
      lines.push(enter(peer));
      await clock.advance(1_000);
    }
    return lines;
  };
  const [a, b, c, d] = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];

  it('of callers with one each: the one that has been idle longest is closed', async () => {
    const here = world(3);
    const lines = await enterInTurn(here, [a, b, c]);
    for (const index of [1, 0, 2]) {
      here.arrive(lines[index]!);
      await here.clock.advance(1_000);
    }
    lines.push(here.enter(d));
    expect(open(lines)).toEqual([0, 2, 3]);
    expect(here.effects).toEqual([['evicted', b]]);
  });

  it('one without a request yet, or with an unanswered one, stays while others are idle', async () => {
    const here = world(3);
    const [asking, silent, idle] = await enterInTurn(here, [a, b, c]);
    here.arrive(asking!, underWay());
    await here.clock.advance(2_000);
    here.arrive(idle!);
    const newcomer = here.enter(d);
    expect(open([asking!, silent!, idle!, newcomer])).toEqual([0, 1, 3]);
  });

  it('one whose response is read in parts is idle only after the last part', async () => {
    const here = world(2);
    const [pipelined, later] = await enterInTurn(here, [a, b]);
    const answers = [underWay(), underWay()];
    for (const answer of answers) here.arrive(pipelined!, answer);
    answers[0]!.emit('close');
    here.arrive(later!);
    expect(open([pipelined!, later!, here.enter(c)])).toEqual([0, 2]);
  });

  it('one that never sends a request, or never reads its response, does not keep its place', async () => {
    const here = world(2);
    const [stuck, silent] = await enterInTurn(here, [a, b]);
    here.arrive(stuck!, underWay());
    await here.clock.advance(5_001);
    const scraper = here.enter(c);
    here.arrive(scraper);
    expect(open([stuck!, silent!, scraper])).toEqual([0, 2]);
    const second = here.enter(d);
    expect(open([stuck!, silent!, scraper, second])).toEqual([2, 3]);
  });

  it('of callers with several each: one of a caller with as many as the newcomer; callers with fewer lose none', async () => {
    const here = world(4);
    const lines = await enterInTurn(here, [a, b, c, b, c]);
    expect(open(lines)).toEqual([0, 2, 3, 4]);
  });

  it('a caller with more than the newcomer loses one first, however long others are idle', async () => {
    const here = world(3);
    const lines = await enterInTurn(here, [a, b, b]);
    here.arrive(lines[0]!);
    await here.clock.advance(60_000);
    lines.push(here.enter(c));
    expect(open(lines)).toEqual([0, 2, 3]);
  });

  it('opened at the same time: the first of them is closed, and never the new one', () => {
    const here = world(2);
    const lines = [here.enter(a), here.enter(b), here.enter(c)];
    expect(open(lines)).toEqual([1, 2]);
    const single = world(1);
    single.enter(a).destroy();
    const others = [single.enter(b), single.enter(a)];
    expect(open(others)).toEqual([1]);
  });

  it('of one caller alone: its new one replaces one of its own', async () => {
    const here = world(2);
    const lines = await enterInTurn(here, [a, a, a]);
    expect(open(lines)).toEqual([1, 2]);
  });
});

describe('the pace of a caller', () => {
  it('outlives its connections: a new connection does not reset it', async () => {
    const { clock, enter, ask } = stage();
    for (let time = 0; time < 4; time += 1) {
      const line = enter(asker);
      ask(line, 1);
      line.destroy();
    }
    await clock.advance(0);
    const line = enter(asker);
    ask(line, 1);
    expect(line.isPaused()).toBe(true);
  });

  it('is kept for a limited number: callers without a connection are evicted for new ones, those with one are not', async () => {
    const { clock, enter, ask, connections } = stage({ connections: 5_000 });
    const spent = enter(asker);
    ask(spent, 5);
    const gone = enter(other);
    ask(gone, 5);
    gone.destroy();
    await clock.advance(0);
    for (let index = 0; index < 2_047; index += 1) enter(`10.1.${index >> 8}.${index & 255}`).destroy();
    await clock.advance(0);
    expect(connections.isHeld(spent)).toBe(true);
    const anew = [enter(asker), enter(other)];
    await clock.advance(0);
    expect(anew.map((line) => line.isPaused())).toEqual([true, false]);
  });
});

describe('a connection whose client sends no more', () => {
  it('is closed after a second if a request is unanswered', async () => {
    const { clock, enter, arrive } = stage();
    const line = enter(asker);
    arrive(line, underWay());
    line.emit('end');
    await clock.advance(999);
    expect(line.destroyed).toBe(false);
    await clock.advance(1);
    expect(line.destroyed).toBe(true);
  });

  it('is left to the server if all is answered', async () => {
    const { clock, enter, arrive } = stage();
    const line = enter(asker);
    arrive(line);
    line.emit('end');
    await clock.advance(60_000);
    expect(line.destroyed).toBe(false);
  });
});

describe('a connection with unanswered requests', () => {
  it('is closed with the fifth, and reported once', () => {
    const { enter, arrive, mayAsk, effects } = stage({ requestsPerSecond: 0 });
    const line = enter(asker);
    for (let count = 0; count < 4; count += 1) {
      expect(mayAsk(line)).toBe(true);
      arrive(line, underWay());
    }
    expect(line.destroyed).toBe(false);
    expect(mayAsk(line)).toBe(false);
    expect(line.destroyed).toBe(true);
    expect(effects).toEqual([['pipelined', asker]]);
    expect(arrive(line).verdict).toBe('drop');
  });

  it('accepts a request again for each one that is over', () => {
    const { enter, arrive, mayAsk, effects } = stage({ requestsPerSecond: 0 });
    const line = enter(asker);
    const answers = Array.from({ length: 4 }, underWay);
    for (const answer of answers) arrive(line, answer);
    for (const answer of answers) {
      answer.emit('close');
      expect(mayAsk(line)).toBe(true);
      arrive(line, underWay());
    }
    expect(mayAsk(line)).toBe(false);
    expect(effects).toEqual([['pipelined', asker]]);
  });

  it('has no limit if it was never admitted', () => {
    const { arrive, mayAsk } = stage();
    const stranger = new Line(asker);
    for (let count = 0; count < 9; count += 1) arrive(stranger, underWay());
    expect(mayAsk(stranger)).toBe(true);
  });
});

describe('a connection with an unread response', () => {
  const MiB = 1024 * 1024;

  const leave = ({ arrive }: ReturnType<typeof stage>, line: Line, left: number): Answer => {
    const answer = underWay();
    arrive(line, answer);
    line.left += left;
    answer.emit('prefinish');
    return answer;
  };

  it('is closed also if it was responded to at once', () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    line.left = 2 * MiB + 1;
    world.arrive(line, Object.assign(underWay(), { writableEnded: true }));
    expect(world.effects).toEqual([['unread', asker]]);
  });

  it('is closed when its caller leaves more than two MiB unread on all connections', () => {
    const world = stage({ requestsPerSecond: 0 });
    const [first, second, quiet] = [world.enter(asker), world.enter(asker), world.enter(other)];
    leave(world, first, MiB);
    leave(world, second, MiB);
    leave(world, quiet, MiB);
    expect(world.effects).toEqual([]);
    leave(world, second, 1);
    expect(open([first, second, quiet])).toEqual([0, 2]);
    expect(world.effects).toEqual([['unread', asker]]);
  });

  it('has room again for what was read', () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    for (let count = 0; count < 20; count += 1) {
      const answer = leave(world, line, 2 * MiB);
      line.left = 0;
      answer.emit('close');
    }
    expect(world.effects).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('frees its room when it closes', async () => {
    const world = stage({ requestsPerSecond: 0 });
    for (let count = 0; count < 20; count += 1) {
      const line = world.enter(asker);
      const answer = leave(world, line, 2 * MiB);
      line.destroy();
      answer.emit('close');
      await world.settle();
    }
    expect(world.effects).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('frees its room when it closes, before its responses do', async () => {
    const world = stage({ requestsPerSecond: 0 });
    const [gone, next] = [world.enter(asker), world.enter(asker)];
    leave(world, gone, 2 * MiB);
    gone.destroy();
    await world.settle();
    expect(world.clock.pending).toBe(0);
    leave(world, next, 1);
    expect(world.effects).toEqual([]);
  });

  it('counts only for its caller if callers belong to no group', () => {
    const world = stage({ requestsPerSecond: 0 });
    for (let caller = 1; caller <= 5; caller += 1) leave(world, world.enter(`10.0.1.${caller}`), 2 * MiB);
    expect(world.effects).toEqual([]);
  });

  it('is closed when unread responses and those behind an unanswered request together exceed the limit', () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    line.left = MiB;
    world.arrive(line, underWay());
    const answers = [new EarlyAnswer(MiB), new EarlyAnswer(1)];
    for (const answer of answers) world.arrive(line, answer);
    answers[0]!.end();
    expect(world.effects).toEqual([]);
    answers[1]!.end();
    expect(world.effects).toEqual([['unread', asker]]);
    expect(line.destroyed).toBe(true);
  });

  it('is closed when immediate responses wait too long behind an unanswered request', async () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    world.arrive(line, underWay());
    const early = Object.assign(new EarlyAnswer(70), { writableEnded: true });
    world.arrive(line, early);
    expect(Object.hasOwn(early, 'end')).toBe(false);
    await world.clock.advance(30_009);
    expect(world.effects).toEqual([]);
    await world.clock.advance(1);
    expect(world.effects).toEqual([['unread', asker]]);
  });

  it('counts an immediate response until its turn, and then the rest of it', async () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    const answers: Answer[] = [];
    for (let count = 0; count < 3; count += 1) {
      const first = underWay();
      world.arrive(line, first);
      const early = Object.assign(new EarlyAnswer(MiB), { writableEnded: true });
      world.arrive(line, early);
      first.emit('close');
      early.emit('socket');
      answers.push(early);
    }
    line.left = 2 * MiB;
    answers[0]!.emit('close');
    expect(world.effects).toEqual([]);
    line.left = 0;
    answers[1]!.emit('close');
    await world.clock.advance(60_000);
    expect(world.effects).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('has room again for what was read while a later response waits for its turn', () => {
    const world = stage({ requestsPerSecond: 0 });
    const [line, second] = [world.enter(asker), world.enter(asker)];
    const first = leave(world, line, 2 * MiB - 70);
    world.arrive(line, Object.assign(new EarlyAnswer(70), { writableEnded: true }));
    line.left = 0;
    first.emit('close');
    leave(world, second, MiB);
    expect(world.effects).toEqual([]);
    expect(open([line, second])).toEqual([0, 1]);
  });

  it('needs no timer for a response whose turn is next', () => {
    const world = stage({ requestsPerSecond: 0 });
    for (let count = 0; count < 10; count += 1) {
      const line = world.enter(asker);
      const first = underWay();
      world.arrive(line, first);
      world.arrive(line, Object.assign(new EarlyAnswer(70), { writableEnded: true }));
      first.emit('close');
    }
    expect(world.clock.pending).toBe(1);
  });

  it('does not change a response that has none before it on its connection', () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    const [first, second] = [underWay(), underWay()];
    world.arrive(line, first);
    world.arrive(line, second);
    expect([first, second].map((answer) => Object.hasOwn(answer, 'end'))).toEqual([false, true]);
  });

  it('is closed when part of it is still unread after half a minute', async () => {
    const world = stage({ requestsPerSecond: 0 });
    const line = world.enter(asker);
    leave(world, line, 1);
    await world.clock.advance(29_999);
    expect(world.effects).toEqual([]);
    await world.clock.advance(1);
    expect(world.effects).toEqual([['unread', asker]]);
    expect(line.destroyed).toBe(true);
  });
});
