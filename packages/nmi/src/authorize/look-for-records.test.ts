import { expect, it } from 'vitest';
import { pod } from '../../test/builders.ts';
import { lookingForRecords } from './look-for-records.ts';
import type { Decision } from './types.ts';

const lookedFor = (decision: object) => {
  const names: string[] = [];
  const authorizer = lookingForRecords({ decide: () => decision as Decision }, (name) => names.push(name));
  expect(authorizer.decide(pod(), { by: 'nothing' })).toBe(decision);
  return names;
};

it('the record of an identity is looked for when a pod waits for it and none was seen', () => {
  const identity = { name: 'default/reader' };
  expect(lookedFor({ kind: 'pending', seen: 'nothing', identity })).toEqual(['default/reader']);
  expect(lookedFor({ kind: 'pending', seen: 'Created', identity })).toEqual([]);
});

it('by object id, the records of all identities that wait are looked for', () => {
  const pending = [{ name: 'default/reader' }, { name: 'shop/writer' }];
  expect(lookedFor({ kind: 'allow-by-object-id', pending })).toEqual(['default/reader', 'shop/writer']);
  expect(lookedFor({ kind: 'pending', identity: pending[0], anyOf: pending })).toEqual([
    ...['default/reader', 'shop/writer'],
  ]);
});

it('no record is looked for when the pod gets its identity or a refusal', () => {
  expect(lookedFor({ kind: 'allow', pending: [{ name: 'default/reader' }] })).toEqual([]);
  expect(lookedFor({ kind: 'deny' })).toEqual([]);
});
