// Fuzzes the one decision that keeps pods away from the machine's identities: where a request target goes.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readTarget } from '../../src/request/request-target.ts';
import { metadataFamilies, routeOf } from '../../src/request/routes.ts';
import { createChance, seed } from './chance.ts';
import { disguises, honestTargets, pieces, targets } from './corpus.ts';
import { isHarmless, mayMeanIdentity } from './oracle.ts';
import { drawTarget } from './raw-requests.ts';

const byPieces = 300_000;
const byMutation = 600_000;

/** Whether NMI does with the target what it may: everything that it sends on is harmless however it is read. */
function isSafe(whole: string): boolean {
  const { target } = readTarget(whole);
  const route = routeOf(target);
  if (route.kind === 'token') return isTokenPath(target);
  if (route.kind !== 'metadata') return true;
  const { path, query } = route;
  return isHarmless(query === '' ? path : `${path}?${query}`, metadataFamilies);
}

/** Only what says so plainly is a token request: no other reading of it makes one. */
function isTokenPath(target: string): boolean {
  const path = target.split('?', 1)[0] ?? '';
  const segments = path.split('/').filter((segment) => segment !== '');
  return segments.join('/').toLowerCase() === 'metadata/identity/oauth2/token';
}

it(`item 12: ${byPieces} targets put together and shrunk by fast-check: none is sent on that may mean an identity`, () => {
  const piece = fc.constantFrom(...pieces);
  const target = fc.oneof(
    { weight: 3, arbitrary: fc.array(piece, { maxLength: 7 }).map((some) => `/metadata/${some.join('')}`) },
    {
      weight: 3,
      arbitrary: fc.array(piece, { maxLength: 6 }).map((some) => `/metadata/instance/${some.join('')}`),
    },
    { weight: 1, arbitrary: fc.array(piece, { maxLength: 9 }).map((some) => some.join('')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...targets), fc.string({ unit: 'binary', maxLength: 6 }))
        .map((two) => two.join('')),
    },
  );
  fc.assert(
    fc.property(target, (text) => isSafe(text)),
    { numRuns: byPieces, seed },
  );
}, 300_000);

it(`item 12: ${byMutation} targets changed from those of clients and attackers: none is sent on that may mean an identity`, () => {
  const chance = createChance(seed);
  const seen = { sent: 0, token: 0, dangerous: 0 };
  for (let drawn = 0; drawn < byMutation; drawn += 1) {
    const target = drawTarget(chance);
    if (!isSafe(target)) expect.fail(`seed ${seed}, target ${drawn}: ${JSON.stringify(target)} is sent on`);
    const { kind } = routeOf(readTarget(target).target);
    if (kind === 'metadata') seen.sent += 1;
    if (kind === 'token') seen.token += 1;
    if (drawn % 500 === 0 && mayMeanIdentity(target)) seen.dangerous += 1;
  }
  // The fuzzing is worth its time only while much is sent on, and much would be dangerous.
  expect(seen.sent).toBeGreaterThan(byMutation / 20);
  expect(seen.token).toBeGreaterThan(byMutation / 100);
  expect(seen.dangerous).toBeGreaterThan(byMutation / 500 / 10);
}, 300_000);

it('the judge knows the tricks: each disguise of the corpus may mean an identity', () => {
  expect(disguises.filter((target) => !mayMeanIdentity(target))).toEqual([]);
});

it('the judge is fair: what clients ask is sent on, and harmless', () => {
  for (const target of honestTargets)
    expect([target, routeOf(target).kind, isSafe(target)]).toEqual([target, 'metadata', true]);
});
