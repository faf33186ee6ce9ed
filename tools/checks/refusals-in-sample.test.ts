// NMI's responses have one code for all reasons why a pod has no identity: keyvault-sample tells them apart by NMI's text.
import type { AccessTarget } from '@pod-identity/crd-types';
import { expect, test } from 'vitest';
import { readTokenResponse } from '../../packages/imds-client/src/response.ts';
import { explain } from '../../packages/keyvault-sample/src/explain.ts';
import type { Denial } from '../../packages/nmi/src/authorize/types.ts';
import type { Outcome } from '../../packages/nmi/src/respond/outcome.ts';
import { respond } from '../../packages/nmi/src/respond/respond.ts';

const pod = 'default/web';
const target: AccessTarget = { resource: 'managedidentities', names: ['/subscriptions/s'] };
const noRight: Denial = {
  why: 'access-denied',
  identity: 'default/reader',
  subject: { namespace: 'default', name: 'web' },
  targets: [target],
};
const offered = ['c0000000-0000-4000-8000-000000000001'];

test.each<[reason: string, outcome: Outcome]>([
  ['no-identity', { kind: 'denied', pod, denial: { why: 'no-label' } }],
  ['no-identity', { kind: 'denied', pod, denial: { why: 'not-this-identity', offered } }],
  ['several-identities', { kind: 'denied', pod, denial: { why: 'several-identities', offered } }],
  ['no-access', { kind: 'denied', pod, denial: noRight }],
  ['no-access', { kind: 'denied', pod, denial: { ...noRight, identity: '' } }],
  ['no-access', { kind: 'not-assigned', pod, seen: 'unbound', denial: noRight }],
  ['identity-pending', { kind: 'not-assigned', pod, seen: 'unbound', denial: { why: 'no-label' } }],
  ['identity-pending', { kind: 'not-assigned', pod, seen: 'unattached', identity: 'default/reader' }],
])('%s is what the sample reads in the response to %j', (reason, outcome) => {
  const { status, body } = respond(outcome, { nowMs: 0, notAssignedStatus: 503, random: () => 0 });
  const text = String(body);
  const error = readTokenResponse(
    { status, retryAfter: null, requestId: null, body: text },
    { requested: { resource: 'https://vault.azure.net' }, now: 0, parseDate: Date.parse },
  );
  const attempt = {
    item: { kind: 'secret', name: 'database' },
    vaultUrl: 'https://demo.vault.azure.net',
    proxies: { vault: undefined, tokens: undefined, metadataHost: '169.254.169.254' },
  } as const;
  expect(explain(error, attempt).reason).toBe(reason);
});
