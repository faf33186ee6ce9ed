import { createFakeClock } from '@pod-identity/kit/testing';
import type { AccessReviewer } from '@pod-identity/kit/kube';
import { expect, test } from 'vitest';
import { createFakeLog } from '../apply/test/fake-log.ts';
import { createProof } from './proof.ts';
import { noAnswer } from './test/fake-reviewer.ts';

function setUp(result: () => boolean | Error) {
  const clock = createFakeClock();
  const asked: string[] = [];
  const reviewer: AccessReviewer = {
    review: ({ subject, name }) => {
      asked.push(`${subject.user} ${name}`);
      const said = result();
      return typeof said === 'boolean' ? Promise.resolve(said) : Promise.reject(said);
    },
  };
  const ending = new AbortController();
  const log = createFakeLog();
  const proof = createProof({ reviewer, clock, random: () => 0, log });
  const running = proof.run(ending.signal);
  return { running, clock, asked, proof, log, end: () => ending.abort() };
}

const settled = async (promise: Promise<void>) => {
  let isSettled = false;
  void promise.then(() => (isSettled = true));
  await new Promise((resolve) => setImmediate(resolve));
  return isSettled;
};

test('an API server that refuses an invented user is asked once, and rights can be reviewed', async () => {
  const { proof, asked, log, running } = setUp(() => false);
  expect(proof.problem).toContain('has not yet refused');
  await Promise.all([proof.proven(), proof.proven()]);
  await proof.proven();
  await running;
  expect([asked.length, proof.problem, log.lines]).toEqual([1, undefined, []]);
});

test('one that refuses nobody proves nothing, says why, once, and is asked again', async () => {
  let isOpen = true;
  const { clock, proof, asked, log } = setUp(() => isOpen);
  const proven = proof.proven();
  await clock.advance(3_600_000);
  expect([await settled(proven), proof.problem?.includes('AlwaysAllow')]).toEqual([false, true]);
  expect(asked.length).toBeLessThan(130);
  expect(log.lines).toHaveLength(1);
  isOpen = false;
  await clock.advance(30_000);
  expect([await settled(proven), proof.problem]).toEqual([true, undefined]);
});

test('one that does not answer proves nothing either', async () => {
  const { clock, proof } = setUp(() => noAnswer);
  const proven = proof.proven();
  await clock.advance(60_000);
  expect(await settled(proven)).toBe(false);
  expect(proof.problem).toContain('etcd has no leader');
});

test('nobody is asked before somebody wants to know', async () => {
  const { clock, asked, running, end } = setUp(() => false);
  await clock.advance(3_600_000);
  expect(asked).toEqual([]);
  end();
  await running;
});

test('nothing goes on at the end of the process', async () => {
  const { clock, proof, end, asked, running } = setUp(() => noAnswer);
  const proven = proof.proven();
  await clock.advance(0);
  end();
  await running;
  await clock.advance(60_000);
  expect([await settled(proven), asked.length, clock.pending]).toEqual([false, 1, 0]);
});
