import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it, vi } from 'vitest';
import { accessPair } from '../../test/builders.ts';
import { createAccessGuard, type WouldRefuse } from './guard.ts';
import type { Access, AccessPair, AccessVerdict } from './types.ts';

const subject = { namespace: 'pay', name: 'web' };
const tenant = { namespace: 'pay', pod: 'uid' };
const [reader, writer] = [accessPair(), accessPair({ identity: 'writer' })];
const accessTo = (pairs: Access['pairs'], mode: Access['mode'] = 'rbac', name = 'web'): Access => ({
  mode,
  subject: { ...subject, name },
  pairs,
});

const stage = () => {
  const verdicts = new Map<AccessPair, AccessVerdict>();
  const known = new Set<AccessPair>();
  const clock = createFakeClock();
  const trust = { isRefused: true };
  const machine: { pairs: readonly AccessPair[] | undefined; isKnown: boolean } = {
    isKnown: true,
    pairs: [accessPair({ identity: 'host' })],
  };
  const looked = Promise.withResolvers<undefined>();
  const warned = vi.fn<(who: WouldRefuse) => void>();
  const guard = createAccessGuard({
    verdicts: {
      known: (pair) => (known.has(pair) ? (verdicts.get(pair) ?? 'allowed') : undefined),
      verdict: (pair) => {
        known.add(pair);
        return Promise.resolve(verdicts.get(pair) ?? 'allowed');
      },
    },
    machine: {
      known: () => (machine.isKnown ? machine.pairs : undefined),
      read: () => Promise.resolve(machine.pairs),
    },
    stranger: { isRefused: () => trust.isRefused, looked: looked.promise },
    clock,
    onWouldRefuse: warned,
  });
  return { clock, guard, looked, machine, trust, verdicts, warned };
};

it('needs every right, and names all that are missing', async () => {
  const { guard, verdicts } = stage();
  const both = accessTo([reader, writer]);
  await expect(guard.review(both, tenant)).resolves.toEqual({ verdict: 'allowed' });
  verdicts.set(writer, 'denied');
  await expect(guard.review(both, tenant)).resolves.toEqual({ verdict: 'denied', targets: [writer.target] });
  verdicts.set(reader, 'denied');
  const targets = [reader.target, writer.target];
  await expect(guard.review(both, tenant)).resolves.toEqual({ verdict: 'denied', targets });
  expect(guard.now(both, tenant)?.verdict).not.toBe('allowed');
});

it('a right that is not known keeps the others from being enough', async () => {
  const { guard, verdicts } = stage();
  verdicts.set(reader, 'allowed').set(writer, 'unanswered');
  const both = accessTo([reader, writer]);
  expect(guard.now(both, tenant)).toBeUndefined();
  await expect(guard.review(both, tenant)).resolves.toEqual({ verdict: 'unanswered' });
  verdicts.set(writer, 'busy');
  await expect(guard.review(both, tenant)).resolves.toEqual({ verdict: 'busy' });
  expect(guard.now(both, tenant)).toBeUndefined();
});

it('a pod without a ServiceAccount has no rights', async () => {
  const { guard } = stage();
  const access = accessTo([reader], 'rbac', '');
  await expect(guard.review(access, tenant)).resolves.toEqual({
    verdict: 'denied',
    targets: [reader.target],
  });
});

it('a machine that is not known is no right', async () => {
  const { guard, machine } = stage();
  await expect(guard.review(accessTo('machine'), tenant)).resolves.toEqual({ verdict: 'allowed' });
  machine.pairs = undefined;
  expect(guard.now(accessTo('machine'), tenant)).toBeUndefined();
  await expect(guard.review(accessTo('machine'), tenant)).resolves.toEqual({ verdict: 'unanswered' });
});

it('answers of an API server that allows everything mean nothing', async () => {
  const { guard, looked, trust } = stage();
  trust.isRefused = false;
  looked.resolve(undefined);
  expect(guard.now(accessTo([reader]), tenant)).toBeUndefined();
  const unused = { verdict: 'unanswered', why: 'allows-all' };
  await expect(guard.review(accessTo([reader]), tenant)).resolves.toEqual(unused);
});

it('in mode warn everybody may, and a missing right is new once in ten minutes', async () => {
  const { clock, guard, verdicts, warned, trust } = stage();
  trust.isRefused = false;
  verdicts.set(reader, 'denied');
  const access = accessTo([reader], 'warn');
  const allowed = { verdict: 'allowed' };
  expect(guard.now(access, tenant)).toEqual(allowed);
  await clock.advance(0);
  await expect(guard.review(access, tenant)).resolves.toEqual(allowed);
  expect(warned.mock.calls.map(([{ isNew }]) => isNew)).toEqual([true, false]);
  await clock.advance(600_000);
  guard.now(access, tenant);
  expect(warned).toHaveBeenLastCalledWith({ access, targets: [reader.target], isNew: true });
});

it('says at once what is known', async () => {
  const { guard, verdicts } = stage();
  const access = accessTo([reader]);
  expect(guard.now(access, tenant)).toBeUndefined();
  await guard.review(access, tenant);
  verdicts.set(reader, 'allowed');
  expect(guard.now(access, tenant)).toEqual({ verdict: 'allowed' });
  verdicts.set(reader, 'denied');
  expect(guard.now(access, tenant)).toEqual({ verdict: 'denied', targets: [reader.target] });
  verdicts.set(reader, 'busy');
  expect(guard.now(access, tenant)).toEqual({ verdict: 'busy' });
});

it('waits for the first answer about the invented user, and not again', async () => {
  const { guard, looked, trust } = stage();
  trust.isRefused = false;
  const waiting = guard.review(accessTo([reader]), tenant);
  trust.isRefused = true;
  looked.resolve(undefined);
  await expect(waiting).resolves.toEqual({ verdict: 'allowed' });
});

it('a pod without a ServiceAccount has no right on a machine that is known', () => {
  const { guard } = stage();
  const access = accessTo('machine', 'rbac', '');
  expect(guard.now(access, tenant)?.verdict).toBe('denied');
});

it('a pod without a ServiceAccount has no right on a machine that has to be read first', async () => {
  const { guard, machine } = stage();
  machine.isKnown = false;
  const access = accessTo('machine', 'rbac', '');
  expect(guard.now(access, tenant)).toBeUndefined();
  await expect(guard.review(access, tenant)).resolves.toMatchObject({ verdict: 'denied' });
});

it('in mode warn nothing is reported of who may', async () => {
  const { clock, guard, warned } = stage();
  guard.now(accessTo([reader], 'warn'), tenant);
  await clock.advance(0);
  guard.now(accessTo([reader], 'warn'), tenant);
  expect(warned).not.toHaveBeenCalled();
});
