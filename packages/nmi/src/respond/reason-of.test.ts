import { expect, it } from 'vitest';
import { reasonsByActor } from '@pod-identity/policy';
import { issuanceOf } from '../../test/builders.ts';
import type { Outcome } from './outcome.ts';
import { reasonOf } from './reason-of.ts';

it.each<[string | undefined, Outcome]>([
  [undefined, { kind: 'token', ...issuanceOf('reader') }],
  ['no-label', { kind: 'denied', pod: 'a/b', denial: { why: 'no-label' } }],
  ['assignment-unattached', { kind: 'not-assigned', pod: 'a/b', identity: 'a/i', seen: 'unattached' }],
  [
    'assignment-unbound',
    { kind: 'not-assigned', pod: 'a/b', seen: 'unbound', denial: { why: 'no-binding', label: 'demo' } },
  ],
  ['azure-denied', { kind: 'token-failed', pod: 'a/b', why: 'denied', description: '' }],
  ['metadata-too-large', { kind: 'proxy-failed', why: 'too-large' }],
  ['path-foreign', { kind: 'nowhere', why: 'foreign' }],
  ['body-too-large', { kind: 'bad-request', problem: { why: 'body-too-large' } }],
  ['too-fast', { kind: 'too-fast', address: '10.0.0.1' }],
])('the reason %s is one that is documented', (reason, outcome) => {
  expect(reasonOf(outcome)).toBe(reason);
  if (reason !== undefined) expect(Object.values(reasonsByActor).flatMap(Object.keys)).toContain(reason);
});
