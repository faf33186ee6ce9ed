import { expect, it } from 'vitest';
import { inbound } from '../../test/builders.ts';
import { createCanaryHandler } from './canary.ts';

const challenge = '0123456789abcdef0123456789abcdef';
const headers = { metadata: 'true', host: '169.254.169.254' };
const handler = createCanaryHandler({
  node: 'node-1',
  isOwnPod: (address) => address === '10.0.0.7',
  metadataHeaderRequired: true,
  allowedHosts: new Set(),
});
const ask = (over: Parameters<typeof inbound>[1] = {}, query = `challenge=${challenge}`) =>
  handler.handle(inbound('/metadata/pod-identity/canary', { headers, ...over }), query);

it('says which node it serves and from where it is asked, and repeats the challenge', () => {
  expect(ask({ peer: '10.0.0.7' })).toEqual({
    kind: 'canary',
    node: 'node-1',
    caller: '10.0.0.7',
    challenge,
  });
});

it.each([
  ['10.9.9.9', ''],
  ['127.0.0.1', 'node-1'],
])('tells the name of its node to its pods and the node itself only (%s)', (peer, node) => {
  expect(ask({ peer })).toEqual({ kind: 'canary', node, caller: peer, challenge });
});

it.each([
  ['no-metadata-header', { host: '169.254.169.254' }],
  ['forwarded', { ...headers, 'x-forwarded-for': '10.0.0.9' }],
  ['foreign-host', { ...headers, host: 'page.example' }],
])('tells nothing to a request that no app sends (%s)', (why, others) => {
  expect(ask({ headers: others })).toMatchObject({ kind: 'bad-request', problem: { why } });
});

it('takes one challenge of one form, since it repeats it', () => {
  expect(ask({}, 'challenge=<script>')).toEqual({
    kind: 'bad-request',
    problem: { why: 'no-challenge', name: 'challenge' },
  });
});

it('answers GET only', () => {
  expect(ask({ method: 'POST' })).toEqual({ kind: 'bad-method' });
});
