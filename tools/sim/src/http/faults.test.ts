import { expect, test } from 'vitest';
import { createFaults } from './faults.ts';

const subject = { service: 'arm', method: 'GET', path: '/a', query: 'x=1', userAgent: 'mic/1 mic-2' };

test('a rule applies to matching requests, up to its limit, oldest rule first', () => {
  const faults = createFaults();
  const twice = faults.add({ match: { method: 'GET', path: /^\/a$/ }, times: 2, then: { status: 500 } });
  faults.add({ match: { service: 'arm', query: /x=1/ }, then: { drop: true } });
  const struck = () => faults.take(subject);
  expect([struck(), struck(), struck()]).toEqual([{ status: 500 }, { status: 500 }, { drop: true }]);
  expect(twice.fired).toBe(2);
  expect(faults.take({ ...subject, service: 'imds' })).toBeUndefined();
  expect(faults.take({ ...subject, query: '' })).toBeUndefined();
});

test('a rule can be for one client alone', () => {
  const faults = createFaults();
  faults.add({ match: { userAgent: / mic-2$/ }, then: { status: 429 } });
  expect(faults.take(subject)).toEqual({ status: 429 });
  expect(faults.take({ ...subject, userAgent: 'mic/1 mic-1' })).toBeUndefined();
});

test('rules can be removed', () => {
  const faults = createFaults();
  const rule = faults.add({ match: {}, then: { hang: true } });
  rule.remove();
  expect(faults.take(subject)).toBeUndefined();
  faults.add({ match: {}, then: { hang: true } });
  faults.clear();
  expect(faults.take(subject)).toBeUndefined();
});
