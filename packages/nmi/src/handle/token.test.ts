import { describe, expect, it, vi } from 'vitest';
import { connection, inbound, issuanceOf, pod } from '../../test/builders.ts';
import type { CallerResult } from '../identify/results.ts';
import type { Granter } from './grant.ts';
import { createHostTokenHandler } from './host-token.ts';
import { createTokenHandler } from './token.ts';
import type { Handler } from './token-pipeline.ts';
import type { NamedPod } from '../identify/find-named.ts';
import type { Outcome } from '../respond/outcome.ts';

const resource = 'resource=https://vault.azure.net';
const token: Outcome = { kind: 'token', ...issuanceOf('reader') };
const granter = () => vi.fn<Granter['grant']>(() => Promise.resolve(token));

const podCalls = (
  given: {
    caller?: CallerResult;
    isReady?: boolean;
    isOutdated?: boolean;
    metadataHeaderRequired?: boolean;
  } = {},
) => {
  const findCaller = vi.fn(() => given.caller ?? ({ kind: 'pod', pod: pod() } as const));
  const whenReady = vi.fn(() => (given.isReady === false ? Promise.resolve(false) : (true as const)));
  const grant = granter();
  const uidAt = vi.fn<(address: string) => string | undefined>();
  const hasStopped = vi.fn(() => false);
  const handler = createTokenHandler({
    metadataHeaderRequired: given.metadataHeaderRequired ?? true,
    allowedHosts: new Set(),
    whenReady,
    uidAt,
    hasStopped,
    isOutdated: () => given.isOutdated === true,
    callers: { find: findCaller },
    granter: { grant },
    holdMs: 8000,
  });
  const handle = async (...call: Parameters<Handler['handle']>) => await handler.handle(...call);
  return { handle, handler, findCaller, uidAt, hasStopped, whenReady, grant };
};

describe('a pod’s call', () => {
  it('item 29: a probe without header is answered before anybody is asked anything', async () => {
    const { handle, findCaller, whenReady } = podCalls({ isReady: false });
    await expect(handle(inbound('', { headers: {} }), '')).resolves.toMatchObject({
      kind: 'bad-request',
      problem: { why: 'no-metadata-header' },
    });
    expect([findCaller.mock.calls, whenReady.mock.calls]).toEqual([[], []]);
  });

  it.each<[string, Partial<Parameters<typeof inbound>[1]>, string, Partial<Outcome>]>([
    [
      'a request for another host',
      { headers: { metadata: 'true', host: 'evil.example' } },
      resource,
      { kind: 'bad-request', problem: { why: 'foreign-host', name: 'Host' } },
    ],
    ['a POST', { method: 'POST' }, resource, { kind: 'bad-method' }],
    ['a request for nothing', {}, '', { kind: 'bad-request' }],
  ])('refuses %s without looking for its pod', async (...[, over, query, expected]) => {
    const { handle, findCaller } = podCalls();
    await expect(handle(inbound('', over), query)).resolves.toMatchObject(expected);
    expect(findCaller).not.toHaveBeenCalled();
  });

  it.each<[CallerResult, Outcome]>([
    [{ kind: 'none' }, { kind: 'unknown-caller', address: '10.0.0.1' }],
    [
      { kind: 'ambiguous', pods: [pod(), pod({ name: 'twin' })] },
      { kind: 'ambiguous-caller', address: '10.0.0.1', pods: ['default/web', 'default/twin'] },
    ],
    [
      { kind: 'unconfirmed', pod: pod() },
      { kind: 'unconfirmed', pod: 'default/web' },
    ],
  ])('from %j gets no token', async (caller, expected) => {
    const { handle, grant } = podCalls({ caller });
    await expect(handle(inbound(''), resource)).resolves.toEqual(expected);
    expect(grant).not.toHaveBeenCalled();
  });

  it('before the cluster is known waits, then is told that the agent starts', async () => {
    await expect(podCalls({ isReady: false }).handle(inbound(''), resource)).resolves.toEqual({
      kind: 'starting',
    });
  });

  it('gets no token when what was watched is too old: rights may have been taken away', async () => {
    const { handle, grant } = podCalls({ isOutdated: true });
    await expect(handle(inbound(''), resource)).resolves.toEqual({ kind: 'outdated' });
    expect(grant).not.toHaveBeenCalled();
  });

  it('gets no token that it waited for if what was watched is too old by then', async () => {
    const given = { isOutdated: false };
    const { handle, grant } = podCalls(given);
    grant.mockImplementation(() => {
      given.isOutdated = true;
      return Promise.resolve(token);
    });
    await expect(handle(inbound(''), resource)).resolves.toEqual({ kind: 'outdated' });
  });

  it('is for the pod at the other end of the socket, whatever the headers say', async () => {
    const { handle, findCaller, grant } = podCalls();
    const over = connection(7);
    const headers = {
      metadata: 'true',
      'x-real-ip': '10.0.0.9',
      forwarded: 'for=10.0.0.9',
      podname: 'other',
      podns: 'kube-system',
    };
    await expect(handle(inbound('', { headers, connection: over }), resource)).resolves.toEqual(token);
    expect(findCaller).toHaveBeenCalledExactlyOnceWith('10.0.0.1', over, expect.anything());
    expect(grant.mock.calls[0]?.[0].pod).toEqual(pod());
  });

  const own = pod().uid;
  it.each<[string, string | undefined, string | undefined, Outcome]>([
    ['its pod still has', own, own, token],
    ['nobody has any more', own, undefined, { kind: 'unconfirmed', pod: 'default/web' }],
    ['another pod has now', own, 'uid-heir', { kind: 'unconfirmed', pod: 'default/web' }],
    [
      'another pod is found at, the first that is',
      undefined,
      'uid-heir',
      { kind: 'unconfirmed', pod: 'default/web' },
    ],
    ['is not known yet: the API server named its pod', undefined, undefined, token],
    ['becomes known as its pod’s', undefined, own, token],
    ['a pod of before still has in memory, all the time', 'uid-gone', 'uid-gone', token],
  ])('that waited for its token, from an address that %s', async (...[, before, now, expected]) => {
    const { handle, uidAt, grant } = podCalls();
    const granted = Promise.withResolvers<Outcome>();
    grant.mockReturnValueOnce(granted.promise);
    uidAt.mockReturnValue(before);
    const answer = handle(inbound(''), resource);
    uidAt.mockReturnValue(now);
    granted.resolve(token);
    await expect(answer).resolves.toEqual(expected);
    expect(uidAt).toHaveBeenCalledWith('10.0.0.1');
  });

  it('attack: that waited while its pod finished, which memory does not know yet, gets no token at an address that may be another pod’s', async () => {
    const { handle, uidAt, hasStopped, grant } = podCalls();
    const granted = Promise.withResolvers<Outcome>();
    grant.mockReturnValueOnce(granted.promise);
    uidAt.mockReturnValue(own);
    const answer = handle(inbound(''), resource);
    hasStopped.mockReturnValue(true);
    granted.resolve(token);
    await expect(answer).resolves.toEqual({ kind: 'unconfirmed', pod: 'default/web' });
  });

  it('has until the hold is over, counted from its arrival', async () => {
    const { handle, grant } = podCalls();
    await handle(inbound('', { receivedAt: 500 }), resource);
    expect(grant.mock.calls[0]?.[0].patience.deadline).toBe(8500);
  });
});

describe('a call from the node itself', () => {
  const hostCalls = (isEnabled = true, known: NamedPod = pod({ addresses: [] }), isOutdated = false) => {
    const grant = granter();
    const podNamed = vi.fn((namespace: string, name: string) =>
      Promise.resolve(namespace === 'default' && name === 'web' ? known : 'none'),
    );
    const handler = createHostTokenHandler({
      isEnabled,
      whenReady: () => true,
      isOutdated: () => isOutdated,
      holdMs: 8000,
      namedPods: { find: podNamed },
      granter: { grant },
      allowedHosts: new Set(),
    });
    return {
      grant,
      podNamed,
      handle: async (...call: Parameters<Handler['handle']>) => await handler.handle(...call),
    };
  };
  const from = (peer: string, headers: Record<string, string> = { podname: 'web', podns: 'default' }) =>
    inbound('', { peer, headers });

  it.each(['127.0.0.1', '::1'])(
    'gets the token of the pod that it names, from %s, without Metadata header',
    async (peer) => {
      const { handle, grant } = hostCalls();
      await expect(handle(from(peer), resource)).resolves.toMatchObject({
        kind: 'host-token',
        pod: 'default/web',
      });
      expect(grant.mock.calls[0]?.[0].pod.name).toBe('web');
    },
  );

  it('gets no token either when what was watched is too old', async () => {
    const { handle, grant } = hostCalls(true, pod(), true);
    await expect(handle(from('127.0.0.1'), resource)).resolves.toEqual({ kind: 'outdated' });
    expect(grant).not.toHaveBeenCalled();
  });

  it.each<[string, Parameters<typeof from>, Partial<Outcome>]>([
    ['W-S7 from a pod', ['10.0.0.1'], { kind: 'bad-request', problem: { why: 'not-from-the-node' } }],
    [
      'from another loopback address',
      ['127.0.1.10'],
      { kind: 'bad-request', problem: { why: 'not-from-the-node' } },
    ],
    ['without pod', ['127.0.0.1', {}], { kind: 'bad-request', problem: { why: 'no-pod-headers' } }],
    [
      'with half a pod',
      ['127.0.0.1', { podname: 'web' }],
      { kind: 'bad-request', problem: { why: 'no-pod-headers' } },
    ],
    [
      'through a proxy',
      ['127.0.0.1', { podname: 'web', podns: 'default', 'x-forwarded-for': 'a' }],
      { kind: 'bad-request', problem: { why: 'forwarded', name: 'X-Forwarded-For' } },
    ],
    [
      'for another host',
      ['127.0.0.1', { podname: 'web', podns: 'default', host: 'evil.example' }],
      { kind: 'bad-request', problem: { why: 'foreign-host', name: 'Host' } },
    ],
    [
      'for an unknown pod',
      ['127.0.0.1', { podname: 'other', podns: 'default' }],
      { kind: 'unknown-pod', pod: 'default/other' },
    ],
  ])('%s gets none', async (_, given, expected) => {
    const { handle, grant } = hostCalls();
    await expect(handle(from(...given), resource)).resolves.toMatchObject(expected);
    expect(grant).not.toHaveBeenCalled();
  });

  it('gets none for a pod that must be confirmed and is not', async () => {
    await expect(hostCalls(true, 'unconfirmed').handle(from('127.0.0.1'), resource)).resolves.toEqual({
      kind: 'unconfirmed',
      pod: 'default/web',
    });
  });

  it('finds no such path when it is switched off', async () => {
    await expect(hostCalls(false).handle(from('127.0.0.1'), resource)).resolves.toEqual({
      kind: 'nowhere',
      why: 'unknown',
    });
  });
});
