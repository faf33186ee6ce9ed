import { expect, it } from 'vitest';
import { respond } from '../respond/respond.ts';
import { listenerName } from '../request/wire.ts';
import { judgeSighting, type Sighting } from './verdict.ts';

const challenge = '0123456789abcdef0123456789abcdef';
const expected = { node: 'node-1', challenge };
const own = '10.0.0.7';

/** What NMI answers, as the canary sees it. */
const seen = (
  over: Partial<Extract<Sighting, { kind: 'answer' }>> = {},
  told: { node?: string; caller?: string; challenge?: string } = {},
): Sighting => {
  const outcome = { kind: 'canary', node: 'node-1', caller: own, challenge, ...told } as const;
  const { status, body } = respond(outcome, { nowMs: 0, notAssignedStatus: 503, random: () => 0 });
  return {
    kind: 'answer',
    status,
    server: listenerName,
    body: body.toString(),
    localAddress: own,
    ...over,
  };
};
const refusal = JSON.stringify({ error: 'not_found', error_description: 'There is nothing at this path.' });
const imds: Partial<Extract<Sighting, { kind: 'answer' }>> = { server: 'IMDS/150.870.65.1854', status: 404 };

it('is ready when NMI of its own node answers its question and knows its address', () => {
  expect(judgeSighting(seen(), expected)).toEqual({ kind: 'ready' });
});

it.each<[string, string, Sighting, string]>([
  ['no-answer', 'nothing answers in time', { kind: 'failed', code: 'ETIMEDOUT' }, 'ETIMEDOUT'],
  ['no-answer', 'there is no way', { kind: 'failed', code: 'EHOSTUNREACH' }, 'EHOSTUNREACH'],
  ['refused', 'NMI does not run', { kind: 'failed', code: 'ECONNREFUSED' }, 'NMI does not run'],
  ['refused', 'a firewall resets the connection', { kind: 'failed', code: 'ECONNRESET' }, 'ECONNRESET'],
  ['refused', 'the kernel may not send', { kind: 'failed', code: 'EACCES' }, 'EACCES'],
  ['refused', 'a filter of the network plugin forbids it', { kind: 'failed', code: 'EPERM' }, 'EPERM'],
  ['other-server', 'the metadata service answers', seen(imds), "'IMDS/150.870.65.1854'"],
  ['other-server', 'a server without a name answers as NMI does', seen({ server: '' }), 'another server'],
  ['not-accepted', 'NMI is older', seen({ status: 404, body: refusal }), 'There is nothing at this path.'],
  ['not-fresh', 'a memory answers', seen({}, { challenge: 'f'.repeat(32) }), 'not to the question'],
  ['not-fresh', 'the answer is no JSON', seen({ body: '<html>' }), 'imitates'],
  ['not-fresh', 'the answer is no object', seen({ body: 'null' }), 'imitates'],
  ['not-fresh', 'the answer is too long', seen({ body: undefined }), 'imitates'],
  ['other-node', 'NMI of another node answers', seen({}, { node: 'node-2' }), "'node-2'"],
  ['other-node', 'NMI does not know the pod', seen({}, { node: '' }), 'knows no pod of its node'],
  ['other-address', 'addresses are translated', seen({}, { caller: '10.9.9.9' }), "'10.9.9.9'"],
  ['other-address', 'NMI knows no such address', seen({}, { node: '', caller: '10.9.9.9' }), "'10.9.9.9'"],
])('is not ready (%s) when %s', (...[why, , sighting, text]) => {
  expect(judgeSighting(sighting, expected)).toEqual({
    kind: 'not-ready',
    why,
    text: expect.stringContaining(text) as string,
  });
});

it('members that are no texts count as missing', () => {
  const body = JSON.stringify({ challenge, node: 7, caller: [own] });
  expect(judgeSighting(seen({ body }), { node: '7', challenge })).toMatchObject({ why: 'other-node' });
  expect(judgeSighting(seen({ body }), { node: '', challenge })).toMatchObject({ why: 'other-address' });
});

it('what another server writes is shown in one short line', () => {
  const verdict = judgeSighting(seen({ server: `a\r\nb\u202e${'x'.repeat(9_000)}` }), expected);
  const text = verdict.kind === 'ready' ? '' : verdict.text;
  expect(text).toContain(String.raw`a\r\nb\u202exxx`);
  expect(text.length).toBeLessThan(1_000);
});
