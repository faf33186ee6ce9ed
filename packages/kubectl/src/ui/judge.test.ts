import { expect, test } from 'vitest';
import { createCrowd, fillCrowd, inputOf, type Crowd } from '../../test/crowd.ts';
import { createJudge, type Judge } from './judge.ts';

const nothing: ReadonlySet<string> = new Set();
const stateOf = (judge: Judge, wanted: string) =>
  judge.parts().find(({ pod: { namespace, name } }) => `${namespace}/${name}` === wanted)?.row.state;

/** As live pictures do, until nothing is left. */
function judgeAll(judge: Judge, { index, cluster }: Crowd): number {
  judge.update(inputOf(cluster()), changesOf(index));
  let judged = 0;
  while (judge.next()) judged += 1;
  return judged;
}

const changesOf = (index: Crowd['index']): ReadonlySet<string> =>
  new Set([...index.settle().dirtyHosts()].flatMap((host) => [...index.takeDirty(host)]));

test('attack: thousands of pods with a hundred bindings each hold up no pod of another namespace', () => {
  const crowd = createCrowd();
  fillCrowd(crowd, 300, 100);
  crowd.bind('shop', 'reader', 'reader');
  crowd.pod('shop', 'web', 'reader');
  const judge = createJudge();
  judge.update(inputOf(crowd.cluster()), changesOf(crowd.index));
  expect([judge.waiting(), stateOf(judge, 'shop/web')]).toEqual([301, 'unknown']);
  judge.next();
  judge.next();
  expect([judge.waiting(), stateOf(judge, 'shop/web')]).toEqual([299, 'waiting']);
});

test('an edit of an identity or of its condition is an occasion to judge the pods that use it, and no others', () => {
  const crowd = createCrowd();
  for (const name of ['reader', 'writer']) crowd.bind('shop', name, name);
  for (let at = 0; at < 10; at += 1) crowd.pod('shop', `web-${at}`, at < 3 ? 'reader' : 'writer');
  const judge = createJudge();
  expect(judgeAll(judge, crowd)).toBe(10);
  expect(judgeAll(judge, crowd)).toBe(0);
  crowd.bind('shop', 'reader', 'reader');
  expect(judgeAll(judge, crowd)).toBe(3);
  crowd.pod('shop', 'web-9', 'writer');
  expect(judgeAll(judge, crowd)).toBe(1);
});

test('a pod that MIC has not settled yet waits, and is judged when it is', () => {
  const crowd = createCrowd();
  crowd.bind('shop', 'reader', 'reader');
  crowd.pod('shop', 'web', 'reader');
  const judge = createJudge();
  judgeAll(judge, crowd);
  crowd.bind('shop', 'reader', 'other');
  judge.update(inputOf(crowd.cluster()), nothing);
  expect([judge.next(), judge.waiting(), stateOf(judge, 'shop/web')]).toEqual([false, 1, 'waiting']);
  expect(judgeAll(judge, crowd)).toBe(1);
  expect([judge.waiting(), stateOf(judge, 'shop/web')]).toEqual([0, 'problem']);
});

test('pods on nodes of which NMI is gone are judged again', () => {
  const crowd = createCrowd();
  crowd.bind('shop', 'reader', 'reader');
  crowd.pod('shop', 'web', 'reader');
  const judge = createJudge();
  judgeAll(judge, crowd);
  judge.update({ ...inputOf(crowd.cluster()), agentFault: () => 'NMI has no pod there' }, nothing);
  expect([judge.next(), stateOf(judge, 'shop/web')]).toEqual([true, 'problem']);
});
