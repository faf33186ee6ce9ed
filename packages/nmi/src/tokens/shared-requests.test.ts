import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { callerOf } from '../../test/builders.ts';
import { TokenError } from './errors.ts';
import { createMetadataPace } from './metadata/pace.ts';
import { createTurnQueues } from '../waiting/turn-queues.ts';
import { createSharedRequests, type QueuedRequest } from './shared-requests.ts';

const stage = () => {
  const clock = createFakeClock();
  const queue = createMetadataPace(clock).tokens.new;
  const questions = createSharedRequests<string>(clock);
  const send = vi.fn(() => Promise.resolve('answer'));
  const question: QueuedRequest<string> = { queue, cost: 1, send };
  /** What a pod of the namespace has waiting, none of which is ever answered. */
  const fill = (namespace: string, pod: string) => {
    for (let index = 0; index < 30; index += 1)
      queue.enter({ namespace, pod }, { begin: () => undefined, giveUp: () => undefined });
  };
  return { clock, queue, questions, send, question, fill };
};

it('a question that hostile callers have waiting is asked when it is the turn of another one who wants it too', async () => {
  const { clock, queue, questions, send, question, fill } = stage();
  fill('hostile', 'a');
  const before = queue.waiting;
  const slow = questions.join('shared', callerOf({ namespace: 'hostile', pod: 'a' }), question);
  await clock.advance(1_000);
  expect(send).not.toHaveBeenCalled();
  const answer = questions.join('shared', callerOf({ namespace: 'victim' }), question);
  await expect(answer).resolves.toBe('answer');
  await expect(slow).resolves.toBe('answer');
  expect(send).toHaveBeenCalledTimes(1);
  // The other place in queue is given back: nothing is left to ask.
  expect(queue.waiting).toBe(before);
});

it.each(['hostile', 'victim'])(
  'attack: a question whose only place in a full queue is given to a pod of namespace %s that joined it is asked for both',
  async (namespace) => {
    const clock = createFakeClock();
    const all = { atATime: 1, patienceMs: 10_000 };
    const queues = { one: { atATime: 1, waiting: { total: 2, perNamespace: 2, perPod: 2 } } };
    const queue = createTurnQueues({ clock, all, queues }).one;
    const questions = createSharedRequests<string>(clock);
    const question: QueuedRequest<string> = { queue, cost: 1, send: () => Promise.resolve('answer') };
    const running = Promise.withResolvers<() => void>();
    const begins = [running.resolve, (leave: () => void) => leave()];
    for (const begin of begins)
      queue.enter({ namespace: 'hostile', pod: 'a' }, { begin, giveUp: () => undefined });
    const first = questions.join('shared', callerOf({ namespace: 'hostile', pod: 'a' }), question);
    const answer = questions.join('shared', callerOf({ namespace, pod: 'victim' }), question);
    const both = Promise.all([expect(answer).resolves.toBe('answer'), expect(first).resolves.toBe('answer')]);
    (await running.promise)();
    await both;
    expect(queue.waiting).toBe(0);
  },
);

it('a caller who leaves gives its place back at once, and no question is asked for it', async () => {
  const { clock, queue, questions, send, question, fill } = stage();
  fill('one', 'a');
  const before = queue.waiting;
  const gone = new AbortController();
  const answer = questions.join(
    'mine',
    callerOf({ namespace: 'one', pod: 'b', signal: gone.signal }),
    question,
  );
  const refused = expect(answer).rejects.toMatchObject({ code: 'unavailable' });
  expect(queue.waiting).toBe(before + 1);
  gone.abort();
  await refused;
  expect(queue.waiting).toBe(before);
  expect(questions.isUnderWay('mine')).toBe(false);
  await clock.advance(60_000);
  expect(send).not.toHaveBeenCalled();
});

it('a caller who has left already is told so, though an answer to others is under way', async () => {
  const { questions, question } = stage();
  const answer = Promise.withResolvers<string>();
  const first = questions.join('mine', callerOf(), { ...question, send: () => answer.promise });
  const signal = AbortSignal.abort();
  await expect(questions.join('mine', callerOf({ signal }), question)).rejects.toMatchObject({
    code: 'unavailable',
  });
  answer.resolve('answer');
  await expect(first).resolves.toBe('answer');
});

it('goes on while one of several callers of a pod stays', async () => {
  const { clock, queue, questions, send, question, fill } = stage();
  fill('one', 'a');
  const before = queue.waiting;
  const gone = new AbortController();
  const of = (signal?: AbortSignal) => callerOf({ namespace: 'one', pod: 'b', ...(signal && { signal }) });
  const leaves = questions.join('mine', of(gone.signal), question).catch(() => 'left');
  const stays = questions.join('mine', of(), question).catch(() => 'given up');
  gone.abort();
  await expect(leaves).resolves.toBe('left');
  expect(queue.waiting).toBe(before + 1);
  await clock.advance(60_000);
  await expect(stays).resolves.toBe('given up');
  expect(send).not.toHaveBeenCalled();
});

it('attack: a caller that lost its place and leaves takes no place from the next caller of its pod', async () => {
  const clock = createFakeClock();
  const queues = { one: { atATime: 1, waiting: { total: 9, perNamespace: 9, perPod: 9 } } };
  const queue = createTurnQueues({ clock, all: { atATime: 1, patienceMs: 10_000 }, queues }).one;
  const questions = createSharedRequests<string>(clock);
  const question: QueuedRequest<string> = { queue, cost: 1, send: () => Promise.resolve('answer') };
  const running = Promise.withResolvers<() => void>();
  queue.enter({ namespace: 'other', pod: 'a' }, { begin: running.resolve, giveUp: () => undefined });
  const gone = new AbortController();
  const join = (pod: string, over: object = {}) =>
    questions.join('shared', callerOf({ namespace: 'one', pod, ...over }), question).catch(String);
  void join('a', { signal: gone.signal });
  await clock.advance(1_000);
  void join('b');
  await clock.advance(9_500);
  // The place of the first caller is gone; that of the other pod ends in half a second.
  const next = join('a');
  await clock.advance(1_000);
  gone.abort();
  await clock.advance(0);
  (await running.promise)();
  await expect(next).resolves.toBe('answer');
});

it('says why when its turn does not come in time, or there is no place for it', async () => {
  const { clock, questions, question, fill } = stage();
  fill('one', 'a');
  const late = questions.join('late', callerOf({ namespace: 'one', pod: 'b' }), question);
  const refused = expect(late).rejects.toMatchObject({
    code: 'throttled',
    retryAfterMs: undefined,
    message: /too long for its turn/,
  });
  await clock.advance(10_000);
  await refused;
  for (let pod = 0; pod < 10; pod += 1) fill('one', `pod-${pod}`);
  fill('one', 'a');
  const full = questions.join('full', callerOf({ namespace: 'one', pod: 'a' }), question);
  await expect(full).rejects.toMatchObject({
    code: 'throttled',
    retryAfterMs: undefined,
    message: /wait for their turn already/,
  });
});

/** A queue with one place, which is taken, and room for `total` waiting questions. */
const smallStage = (total: number) => {
  const clock = createFakeClock();
  const queues = { one: { atATime: 1, waiting: { total, perNamespace: total, perPod: total } } };
  const queue = createTurnQueues({ clock, all: { atATime: 1, patienceMs: 10_000 }, queues }).one;
  const questions = createSharedRequests<string>(clock);
  const question: QueuedRequest<string> = { queue, cost: 1, send: () => Promise.resolve('answer') };
  const enter = (namespace: string) =>
    queue.enter({ namespace, pod: 'other' }, { begin: () => undefined, giveUp: () => undefined });
  enter('holds');
  const join = (name: string, of: Parameters<typeof callerOf>[0]) => {
    const answer = questions.join(name, callerOf(of), question);
    return answer.catch((error: unknown) => String(error));
  };
  return { clock, enter, join };
};
const displaced = expect.stringMatching(/lost its place in the queue to another pod or namespace/) as string;

it('whose place is given to another namespace is told so at once, not that it waited too long', async () => {
  const { enter, join } = smallStage(2);
  const first = join('a', { namespace: 'many' });
  const second = join('b', { namespace: 'many' });
  enter('victim');
  await expect(second).resolves.toEqual(displaced);
  await expect(Promise.race([first, Promise.resolve('waits')])).resolves.toBe('waits');
});

it('of several pods with the same question each is told its own reason', async () => {
  const { clock, enter, join } = smallStage(3);
  const first = join('other', { namespace: 'many', pod: 'a' });
  const lost = join('shared', { namespace: 'many', pod: 'a' });
  const refused = join('shared', { namespace: 'many', pod: 'b', admit: () => 1_000 });
  const gone = new AbortController();
  const leaves = join('shared', { namespace: 'victim', pod: 'c', signal: gone.signal });
  enter('third');
  gone.abort();
  await expect(leaves).resolves.toMatch(/its callers left/);
  await expect(lost).resolves.toEqual(displaced);
  await expect(refused).resolves.toMatch(/asks for new tokens too often/);
  await clock.advance(10_000);
  await expect(first).resolves.toMatch(/too long for its turn/);
});

it.each([
  ['an answer', () => Promise.resolve('answer')],
  ['a failure', () => Promise.reject(new Error('reset'))],
  [
    'a bug',
    () => {
      throw new TypeError('bug');
    },
  ],
])('its place is given back after %s', async (_, send) => {
  const { clock, questions, question } = stage();
  for (let index = 0; index < 50; index += 1) {
    await questions.join('mine', callerOf(), { ...question, send }).catch(() => undefined);
    await clock.advance(100);
  }
  await expect(questions.join('mine', callerOf(), question)).resolves.toBe('answer');
});

it('a caller of another pod who comes while it is asked is not charged, and it is asked once', async () => {
  const { questions, question } = stage();
  const answer = Promise.withResolvers<string>();
  const send = vi.fn(() => answer.promise);
  const first = questions.join('mine', callerOf({ pod: 'a' }), { ...question, send });
  const admit = vi.fn(() => 0);
  const second = questions.join('mine', callerOf({ pod: 'b', admit }), { ...question, send });
  answer.resolve('answer');
  await expect(Promise.all([first, second])).resolves.toEqual(['answer', 'answer']);
  expect(send).toHaveBeenCalledTimes(1);
  expect(admit).not.toHaveBeenCalled();
});

it('a pod that may not ask, or has no place, gets the answer for which another pod waits', async () => {
  const { clock, questions, question, fill } = stage();
  fill('one', 'a');
  fill('one', 'full');
  const waits = questions.join('mine', callerOf({ namespace: 'one', pod: 'b' }), question);
  const refused = questions.join(
    'mine',
    callerOf({ namespace: 'one', pod: 'c', admit: () => 1_000 }),
    question,
  );
  const served = questions.join('mine', callerOf({ namespace: 'two' }), question);
  await clock.advance(1_000);
  await expect(Promise.all([waits, refused, served])).resolves.toEqual(['answer', 'answer', 'answer']);
});

it.each<[string, Partial<Parameters<typeof callerOf>[0]>]>([
  ['may ask no more', { admit: () => 1_000 }],
  ['has left', { signal: AbortSignal.abort() }],
])(
  'attack: a caller that %s does not fail one that wants the same answer in the same moment',
  async (_, over) => {
    const { questions, question, fill } = stage();
    fill('hostile', 'a');
    const hostile = questions.join('shared', callerOf({ namespace: 'hostile', pod: 'b', ...over }), question);
    const victim = questions.join('shared', callerOf({ namespace: 'victim' }), question);
    await expect(hostile).rejects.toBeInstanceOf(TokenError);
    await expect(victim).resolves.toBe('answer');
  },
);
