import { parseAzureIdentity, type AccessTarget } from '@pod-identity/crd-types';
import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { modeForIdentity, pairKey, reviewNames, verdictOfAll } from './rights.ts';

const target: AccessTarget = { resource: 'managedidentities', names: ['/s/g/i', '/s/g', '/s'] };

async function asking(level: number, answers: Readonly<Record<string, boolean | undefined>>) {
  const asked: string[] = [];
  const answer = await reviewNames(target, level, (name) => {
    asked.push(name);
    return Promise.resolve(answers[name]);
  });
  return { answer, asked };
}
const refusing = { '/s/g/i': false, '/s/g': false, '/s': false };

test('names are asked from the narrowest to the widest until one is allowed', async () => {
  expect(await asking(0, { ...refusing, '/s/g': true })).toEqual({
    answer: { kind: 'allowed', level: 1 },
    asked: ['/s/g/i', '/s/g'],
  });
});

test('the name that was allowed last is asked first, and no name twice', async () => {
  expect(await asking(2, refusing)).toEqual({
    answer: { kind: 'refused' },
    asked: ['/s', '/s/g/i', '/s/g'],
  });
  expect((await asking(9, refusing)).asked).toEqual(target.names);
});

test('a question without an answer ends it: a wider right alone would not be refused', async () => {
  expect(await asking(0, { ...refusing, '/s/g/i': undefined, '/s': true })).toEqual({
    answer: { kind: 'unanswered' },
    asked: ['/s/g/i'],
  });
});

it('a denial decides before a verdict that is not known, and that before all that are allowed', () => {
  const verdict = fc.constantFrom('allowed', 'denied', 'unknown', 'busy');
  fc.assert(
    fc.property(fc.array(verdict), (verdicts) => {
      const open = verdicts.find((one) => one === 'unknown' || one === 'busy');
      expect(verdictOfAll(verdicts)).toBe(verdicts.includes('denied') ? 'denied' : (open ?? 'allowed'));
    }),
  );
});

test('pairs of one namespace differ by ServiceAccount, kind of target and its narrowest name', () => {
  const subject = { namespace: 'n', name: 's' };
  const others = [
    pairKey({ ...subject, name: 't' }, target),
    pairKey(subject, { ...target, resource: 'machines' }),
    pairKey(subject, { ...target, names: ['/s/g/j', '/s/g', '/s'] }),
  ];
  expect(new Set([pairKey(subject, target), ...others]).size).toBe(4);
  expect(pairKey(subject, { ...target })).toBe(pairKey(subject, target));
});

test('a federated identity needs its right in every mode, and others as the mode says', () => {
  const guid = '00000000-0000-0000-0000-000000000001';
  const modesOf = (type: 1 | 3) => {
    const parsed = parseAzureIdentity({
      metadata: { name: 'i', namespace: 'n' },
      spec: { type, clientID: guid, tenantID: guid },
    });
    if (!parsed.ok) throw new Error('the object of this test is not valid');
    return (['namespace', 'warn', 'rbac'] as const).map((mode) => modeForIdentity(parsed.value, mode));
  };
  expect(modesOf(3)).toEqual(['rbac', 'rbac', 'rbac']);
  expect(modesOf(1)).toEqual(['namespace', 'warn', 'rbac']);
});
