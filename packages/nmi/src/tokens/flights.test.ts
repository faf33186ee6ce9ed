import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { callerOf } from '../../test/builders.ts';
import { TokenError } from './errors.ts';
import { createMetadataPace } from './metadata/pace.ts';
import { createTurnQueues } from '../waiting/turn-queues.ts';
import { createFlights, type QueuedRequest } from './flights.ts';

const stage = () => {
  const clock = createFakeClock();
  const queue = createMetadataPace(clock).tokens.new;
  const questions = createFlights<string>(clock);
  const send = vi.fn(() => Promise.resolve('answer'));
  const question: QueuedRequest<string> = { queue, cost: 1, send };
  /** What a pod of the namespace has waiting, none of which is ever answered. */
  const fill = (namespace: string, pod: string) => {
    for (let index = 0; index < 30; index += 1)
      queue.enter({ namespace, pod }, { begin: () => undefined, giveUp: () => undefined });
  };
  return { clock, queue, questions, send, question, fill };
};

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
  const questions = createFlights<string>(clock);
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

it.each<[string, Partial<Parameters<typeof callerOf>[0]>]>([
  ['may ask no more', { admit: () => 1_000 }],
  ['has left', { signal: AbortSignal.abort() }],
])(
  'attack: a caller that %s does not fail one that wants the same answer in the same moment',
  async (_, over) => {
    const { questions, question } = stage();
    const hostile = questions.join('shared', callerOf({ pod: 'b', ...over }), question);
    const victim = questions.join('shared', callerOf({ pod: 'c' }), question);
    await expect(hostile).rejects.toBeInstanceOf(TokenError);
    await expect(victim).resolves.toBe('answer');
  },
);

it('a pod that may not begin one is told why, and joins one that has begun', async () => {
  const { questions, question } = stage();
  const answer = Promise.withResolvers<string>();
  const mayNot = { ...question, refusal: () => new TokenError('throttled', 'too often') };
  await expect(questions.join('mine', callerOf(), mayNot)).rejects.toThrow('too often');
  const both = [{ ...question, send: () => answer.promise }, mayNot].map((one) =>
    questions.join('mine', callerOf(), one),
  );
  answer.resolve('answer');
  await expect(Promise.all(both)).resolves.toEqual(['answer', 'answer']);
});

it('attack: callers whose turn did not come take no place from the next one', async () => {
  const { clock, questions, question, fill } = stage();
  fill('one', 'a');
  const of = callerOf({ namespace: 'one', pod: 'b' });
  const gone = new AbortController();
  const outcomes = [questions.join('mine', of, question).catch(() => 'late')];
  await clock.advance(10_000);
  outcomes.push(questions.join('mine', { ...of, signal: gone.signal }, question).catch(() => 'left'));
  expect(questions.isUnderWay('mine')).toBe(true);
  await expect(outcomes[0]).resolves.toBe('late');
  expect(questions.isUnderWay('mine')).toBe(true);
  gone.abort();
  await expect(outcomes[1]).resolves.toBe('left');
  expect(questions.isUnderWay('mine')).toBe(false);
});
