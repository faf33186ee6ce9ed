import { createLog } from '@pod-identity/kit/serve';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { clientIdOf, inbound, issuanceOf } from '../../test/builders.ts';
import { createDecisionLog } from './decision-log.ts';
import type { Outcome } from '../respond/outcome.ts';

const pod = 'default/web';
const token: Outcome = { kind: 'token', ...issuanceOf('reader'), pod };
const denied: Outcome = {
  kind: 'denied',
  pod,
  denial: { why: 'not-this-identity', offered: [clientIdOf('reader')] },
};

const stage = (level: 'debug' | 'info' = 'info') => {
  const lines: string[] = [];
  const clock = createFakeClock();
  const log = createLog({ component: 'nmi', level, destination: { write: (line) => lines.push(line) } });
  const say = createDecisionLog(log, clock);
  const answer = (outcome: Outcome) =>
    say({ request: inbound(''), route: 'token', outcome, status: 200, ms: 1 });
  return { answer, clock, lines, say };
};

it('tells a changed outcome once, and what has not changed only to those who debug', () => {
  const quiet = stage();
  for (const outcome of [token, token, denied, denied, token]) quiet.answer(outcome);
  expect(quiet.lines.length).toBe(3);
  const loud = stage('debug');
  for (const outcome of [token, token]) loud.answer(outcome);
  expect(loud.lines.map((line) => /INFO|DEBUG/.exec(line)?.[0])).toEqual(['INFO', 'DEBUG']);
});

it('C14: shows client ids shortened', () => {
  const { answer, lines } = stage();
  answer(denied);
  expect(lines[0]).toContain('REDACTED');
  expect(lines[0]).not.toContain(clientIdOf('reader'));
});

it('one noisy pod leaves a refused neighbour of its namespace its line', () => {
  const { answer, lines } = stage();
  for (let index = 0; index < 1000; index += 1) answer(index % 2 === 0 ? token : denied);
  answer({ ...denied, pod: 'default/victim' });
  expect(lines.filter((line) => line.includes('default/victim'))).toHaveLength(1);
});

it('a refusal that found no budget is told as soon as there is one: it counts as told when it was written', async () => {
  const { answer, clock, lines } = stage();
  for (let index = 0; index < 1000; index += 1)
    answer({ ...(index % 2 === 0 ? token : denied), pod: `default/noisy-${(index % 10) >> 1}` });
  const victim: Outcome = { ...denied, pod: 'default/other' };
  answer(victim);
  const told = () => lines.filter((line) => line.includes('default/other')).length;
  expect(told()).toBe(0);
  await clock.advance(2_000);
  answer(victim);
  answer(victim);
  expect(told()).toBe(1);
});

it('addresses that are no pod share one budget', () => {
  const { lines, say } = stage();
  for (let index = 0; index < 1000; index += 1) {
    const outcome: Outcome = { kind: 'unknown-caller', address: `10.1.${index >> 8}.${index & 255}` };
    const request = inbound('', { peer: outcome.address });
    say({ request, route: 'token', outcome, status: 503, ms: 1 });
  }
  expect(lines.length).toBeLessThanOrEqual(100);
});

it('a pod whose outcome changes all the time does not fill the disk', async () => {
  const { answer, clock, lines } = stage();
  for (let index = 0; index < 1000; index += 1) answer(index % 2 === 0 ? token : denied);
  expect(lines.length).toBe(25);
  await clock.advance(1000);
  for (let index = 0; index < 1000; index += 1) answer(index % 2 === 0 ? token : denied);
  expect(lines.length).toBe(26);
});

it('attack: pods of one namespace with long refusals write 32 KiB a minute', async () => {
  const { answer, clock, lines } = stage();
  const offered = Array.from({ length: 16 }, (_, index) => `${index}${'x'.repeat(256)}`);
  const long: Outcome = { ...denied, denial: { why: 'not-this-identity', offered } };
  const minutes = 10;
  for (let second = 0; second < minutes * 60; second += 1) {
    for (let index = 0; index < 24; index += 1)
      answer({ ...(index < 12 ? token : long), pod: `hostile/pod-${index % 12}` });
    if (second % 60 === 0) answer({ ...(second % 120 === 0 ? token : denied), pod: 'shop/victim' });
    await clock.advance(1_000);
  }
  const of = (pod: string) => lines.filter((line) => line.includes(pod));
  expect(Buffer.byteLength(of('hostile/').join(''))).toBeLessThanOrEqual((minutes + 2) * 32 * 1024);
  expect(of('shop/victim')).toHaveLength(minutes);
});

it('tells a refusal that is longer than the budget of a pod, and charges its namespace all of it', () => {
  const { answer, lines } = stage();
  const offered = Array.from({ length: 16 }, (_, index) => `${index}${'\u200b'.repeat(300)}`);
  const long: Outcome = { ...denied, denial: { why: 'several-identities', offered } };
  for (let index = 0; index < 4; index += 1) answer({ ...long, pod: `default/long-${index}` });
  const [first = ''] = lines;
  expect(first.length).toBeGreaterThan(16 * 1024);
  expect(lines).toHaveLength(Math.floor((64 * 1024) / first.length));
});

it('what callers can cause by mere noise is for those who debug; what an operator should see is a warning', () => {
  const { answer, lines } = stage();
  answer({ kind: 'nowhere', why: 'foreign' });
  answer({ kind: 'bad-request', problem: { why: 'no-resource' } });
  expect(lines).toEqual([]);
  answer({ kind: 'ambiguous-caller', address: '10.0.0.1', pods: [] });
  expect(lines[0]).toContain('WARN');
});
