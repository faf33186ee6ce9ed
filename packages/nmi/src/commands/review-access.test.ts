import type { AccessReviewer } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { binding, identity, pod, rules, viewOf } from '../../test/builders.ts';
import { identitiesOf } from '../authorize/authorize.ts';
import { reviewAccess } from './review-access.ts';

const world = { identities: [identity({ name: 'reader' })], bindings: [binding('reader')] };

function review(mode: 'namespace' | 'warn' | 'rbac', review: AccessReviewer['review']) {
  const identities = identitiesOf(pod(), viewOf(world).view, { ...rules, identityAccess: mode });
  const ages = { maxAgeMs: 30_000, graceMs: 60_000 };
  return reviewAccess({ reviewer: { review }, ages, clock: createFakeClock() }, pod(), identities);
}

const isStranger = ({ subject: { user } }: Parameters<AccessReviewer['review']>[0]) =>
  user.includes('invented');

it('a right that is granted, where an invented user has none', async () => {
  const reviewed = await review('rbac', (request) => Promise.resolve(!isStranger(request)));
  expect([...reviewed]).toEqual([['default/reader', { verdict: 'allowed' }]]);
});

it('attack: an API server that allows everybody grants no right, as the agent says', async () => {
  const reviewed = await review('rbac', () => Promise.resolve(true));
  expect([...reviewed]).toEqual([['default/reader', { verdict: 'unanswered', why: 'allows-all' }]]);
});

it('no right is known while the review of the invented user fails', async () => {
  const reviewed = await review('rbac', (request) =>
    isStranger(request) ? Promise.reject(new Error('away')) : Promise.resolve(true),
  );
  expect([...reviewed]).toEqual([['default/reader', { verdict: 'unanswered' }]]);
});

it('in mode warn, whatever the invented user may, and without reviews in mode namespace', async () => {
  const reviewed = await review('warn', () => Promise.resolve(true));
  expect([...reviewed]).toEqual([['default/reader', { verdict: 'allowed' }]]);
  expect((await review('namespace', () => Promise.reject(new Error('away')))).size).toBe(0);
});
