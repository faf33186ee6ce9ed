import type { EventDraft } from '@pod-identity/kit/kube';
import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { clientIdOf, inbound, issuanceOf, pod as podOf } from '../../test/builders.ts';
import type { Outcome } from '../respond/outcome.ts';
import { createPodEvents } from './pod-events.ts';

const pod = 'default/web';
const denied: Outcome = { kind: 'denied', pod, denial: { why: 'no-binding', label: 'demo' } };
const failed = (
  why: Extract<Outcome, { kind: 'token-failed' }>['why'],
  description = 'because',
): Extract<Outcome, { kind: 'token-failed' }> => ({
  kind: 'token-failed',
  pod,
  why,
  description,
});

const stage = () => {
  const clock = createFakeClock();
  const drafts: EventDraft[] = [];
  const results: string[] = [];
  let isWritten = true;
  const write = (isSo: boolean) => {
    isWritten = isSo;
  };
  const tell = createPodEvents({
    recorder: {
      record: (draft, onEnd) => {
        drafts.push(draft);
        onEnd?.(isWritten);
      },
    },
    podNamed: (namespace, name) =>
      name === 'gone' ? undefined : podOf({ namespace, name, uid: `uid-${name}` }),
    clock,
    onEvent: (reason, result) => results.push(`${reason} ${result}`),
  });
  const refuse = (outcome: Outcome) =>
    tell({ request: inbound(''), route: 'token', outcome, status: 400, ms: 1 });
  return { clock, drafts, results, refuse, write };
};

it('a refusal is a Warning on the pod, with the words that the caller got', () => {
  const { drafts, refuse } = stage();
  refuse(denied);
  expect(drafts).toEqual([
    {
      type: 'Warning',
      reason: 'IdentityNotFound',
      message: expect.stringContaining("No AzureIdentityBinding has the selector 'demo'") as string,
      involved: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'web', uid: 'uid-web' },
    },
  ]);
});

it.each<[string, Outcome]>([
  ['IdentityNotFound', denied],
  ['IdentityNotAssigned', { kind: 'not-assigned', pod, identity: 'default/reader', seen: 'unattached' }],
  [
    'IdentityNotFound',
    { kind: 'not-assigned', pod, seen: 'unbound', denial: { why: 'no-binding', label: 'demo' } },
  ],
  ['TokenRefused', failed('denied')],
  ['TokenRefused', failed('misconfigured')],
  ['CredentialMissing', failed('no-credential')],
  ['TooManyRequests', { kind: 'overloaded', pod }],
])('%s is for what somebody has to mend', (reason, outcome) => {
  const { drafts, refuse } = stage();
  refuse(outcome);
  expect(drafts.map((draft) => draft.reason)).toEqual([reason]);
});

it.each<[string, Outcome]>([
  ['a token', { kind: 'token', ...issuanceOf('reader') }],
  ['a probe', { kind: 'bad-request', problem: { why: 'no-metadata-header' } }],
  ['a request that is wrong in itself', { kind: 'bad-request', problem: { why: 'no-resource' } }],
  ['a path that is not there', { kind: 'nowhere', why: 'foreign' }],
  ['an agent that starts', { kind: 'starting' }],
  ['Azure being away', failed('unavailable')],
  ['Azure holding back', failed('throttled')],
  ['a caller that is no pod', { kind: 'unknown-caller', address: '10.0.0.9' }],
  ['a pod that is gone', { ...denied, pod: 'default/gone' }],
])('nothing is said about %s', (_, outcome) => {
  const { drafts, refuse } = stage();
  refuse(outcome);
  expect(drafts).toEqual([]);
});

it('pods with one address are told each, and not of each other', () => {
  const { drafts, refuse } = stage();
  refuse({ kind: 'ambiguous-caller', address: '10.0.0.1', pods: ['default/web', 'shop/till'] });
  expect(drafts.map(({ reason, involved }) => `${reason} ${involved.name}`)).toEqual([
    'AddressAmbiguous web',
    'AddressAmbiguous till',
  ]);
  expect(drafts[0]?.message).not.toContain('till');
});

it('a pod that repeats itself has one Event of a kind in five minutes', async () => {
  const { clock, drafts, results, refuse } = stage();
  for (let index = 0; index < 1000; index += 1) refuse(denied);
  expect(drafts).toHaveLength(1);
  refuse(failed('denied'));
  expect(drafts).toHaveLength(2);
  await clock.advance(5 * 60_000);
  refuse(denied);
  expect(drafts).toHaveLength(3);
  expect(results).toEqual([
    'IdentityNotFound recorded',
    'TokenRefused recorded',
    'IdentityNotFound recorded',
  ]);
});

it('one noisy pod with thirty idle ones leaves a victim of another namespace its Event', () => {
  const { drafts, refuse } = stage();
  for (let index = 0; index < 31; index += 1) {
    refuse({ ...denied, pod: `hostile/web-${index}` });
    refuse({ ...failed('denied'), pod: `hostile/web-${index}` });
  }
  refuse({ ...denied, pod: 'shop/victim' });
  expect(drafts.filter(({ involved }) => involved.namespace === 'shop')).toHaveLength(1);
});

it('one noisy pod, whose Events the API server refuses, leaves a neighbour of its namespace its Event', () => {
  const { drafts, refuse, write } = stage();
  write(false);
  for (let index = 0; index < 100; index += 1) refuse({ ...denied, pod: 'default/noisy' });
  write(true);
  refuse({ ...denied, pod: 'default/victim' });
  expect(drafts.filter(({ involved }) => involved.name === 'victim')).toHaveLength(1);
});

it('an Event that was not written does not count as told', async () => {
  const { clock, drafts, refuse, write } = stage();
  write(false);
  refuse(denied);
  await clock.advance(60_000);
  refuse(denied);
  expect(drafts).toHaveLength(2);
  write(true);
  refuse(denied);
  refuse(denied);
  expect(drafts).toHaveLength(3);
});

it('all pods of a namespace together do not flood the API server, and come in their turn later', async () => {
  const { clock, drafts, results, refuse } = stage();
  const all = () => {
    for (let index = 0; index < 110; index += 1) refuse({ ...denied, pod: `default/web-${index}` });
  };
  all();
  expect(drafts).toHaveLength(20);
  expect(results.filter((result) => result.endsWith('dropped'))).toHaveLength(90);
  await clock.advance(60_000);
  all();
  expect(drafts).toHaveLength(32);
});

it('no id, no token and no second line gets into an Event', () => {
  const { drafts, refuse } = stage();
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
  refuse(failed('denied', `AADSTS1: '${jwt}' of ${clientIdOf('other')}\nTrace: x`));
  expect(drafts[0]?.message).not.toContain(jwt);
  expect(drafts[0]?.message).not.toContain(clientIdOf('other'));
  expect(drafts[0]?.message).not.toContain('\n');
});
