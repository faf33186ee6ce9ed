import { describe, expect, it } from 'vitest';
import {
  agentToken,
  brokerStage,
  clientId,
  entraRefusal,
  jwt,
  otherClient,
  resultOf,
  reviewOf,
  tenant,
  type Mood,
} from '../../test/broker-stage.ts';
import type { BrokerResponse } from '../broker/wire.ts';

const messageOf = (response: BrokerResponse) => (response.kind === 'refusal' ? response.message : '');
const unanswered: readonly Mood[] = ['fails', 'hangs'];
/** Of a user, in a review. */
const [name, uid] = ['authentication.kubernetes.io/pod-name', 'authentication.kubernetes.io/pod-uid'];

describe('a pod whose ServiceAccount may use the identity', () => {
  it('gets the token of the identity for the assertion of the broker', async () => {
    const { request, exchanged, clock } = await brokerStage();
    const response = await request();
    expect(response).toMatchObject({ kind: 'token', clientId, expiresOn: (clock.now() + 3_600_000) / 1_000 });
    expect(exchanged).toMatchObject([
      {
        subject: { authority: 'https://login.example', clientId },
        tenantId: tenant,
        proof: { kind: 'assertion' },
      },
    ]);
  });

  it('is named by one line for each identity and resource, without token and assertion', async () => {
    const { request, lines, world } = await brokerStage();
    world.rights.add(`pay/web ${tenant}`);
    const response = await request();
    await request();
    await request({ clientId: otherClient });
    const issued = lines.filter(({ message }) => message === 'token issued');
    expect(issued.map(({ fields }) => fields)).toMatchObject([
      {
        node: 'n1',
        pod: 'pay/web',
        uid: 'web-uid',
        serviceAccount: 'pay/web',
        client: 'aaaa##### REDACTED #####1111',
        resource: 'https://vault.azure.net',
      },
      { client: 'bbbb##### REDACTED #####1111' },
    ]);
    const token = response.kind === 'token' ? response.token : '';
    expect(JSON.stringify(lines)).not.toContain(token);
  });

  it('that has its token in memory is looked at once, and twice for an exchange', async () => {
    const { request, calls } = await brokerStage();
    await request();
    const ofExchange = calls('pods').length;
    await request();
    // NMI's own and that of the request.
    expect([ofExchange, calls('pods').length - ofExchange]).toEqual([4, 2]);
  });

  it.each(['', '{}', 'null', '{"pod":{}}'])('is not looked for if the request is %j', async (body) => {
    const { broker, calls, token } = await brokerStage();
    const gone = new AbortController().signal;
    expect(resultOf(await broker.respond({ token, body, peer: 'ip-n1', gone }))).toBe('invalid_request');
    expect(calls('tokenreviews')).toEqual([]);
  });

  it('attack: no number of other tokens hides one of its tokens from the audit', async () => {
    const { request, lines, world } = await brokerStage();
    world.pods.set('pay/web', { uid: 'web-uid', node: 'n1', account: 'web' });
    for (let index = 0; index < 100; index += 1) {
      const pod = { namespace: 'pay', name: `p-${index}`, uid: `uid-${index}` };
      world.pods.set(`pay/${pod.name}`, { uid: pod.uid, node: 'n1', account: 'web' });
      expect(resultOf(await request({ pod }))).toBe('token');
    }
    const issued = lines.filter(({ message }) => message === 'token issued');
    expect(new Set(issued.map(({ fields }) => fields['uid'])).size).toBe(100);
  });

  it('that asks for a long resource is named with its beginning', async () => {
    const { request, lines } = await brokerStage();
    await request({ resource: 'r'.repeat(2_000) });
    expect(lines.at(-1)?.fields['resource']).toBe('r'.repeat(256));
  });

  it('may use it by a right on the whole tenant', async () => {
    const { request, world } = await brokerStage();
    world.rights.clear();
    world.rights.add(`pay/web ${tenant}`);
    expect(resultOf(await request({ clientId: otherClient }))).toBe('token');
  });
});

describe('attack: a token that is not that of a running NMI', () => {
  it.each([
    ['for another audience', { aud: ['https://kubernetes.default.svc'] }],
    ['of another ServiceAccount', { sub: 'system:serviceaccount:system:mic' }],
    ['of an account of this name in another namespace', { sub: 'system:serviceaccount:evil:nmi' }],
    ['that has expired', { exp: 1_699_999_999 }],
    ['that expires now', { exp: 1_700_000_000 }],
    ['whose expiry is a text', { exp: '1800000000' }],
    ['without expiry', { exp: undefined }],
  ])('%s is refused without a call', async (_, claims) => {
    const { request, calls, clock, world } = await brokerStage();
    const token = agentToken(clock, claims);
    world.reviews.set(token, reviewOf('nmi-1', 'nmi-uid-1'));
    expect(resultOf(await request({}, { token }))).toBe('unauthorized');
    expect(calls('tokenreviews')).toEqual([]);
  });

  it.each([
    ['', 'no token'],
    ['x', 'no JWT'],
    [jwt([]), 'a list'],
    ['a.b.c', 'no JSON'],
  ])('%s (%s) is refused without a call', async (token) => {
    const { request, calls } = await brokerStage();
    expect(resultOf(await request({}, { token }))).toBe('unauthorized');
    expect(calls('tokenreviews')).toEqual([]);
  });

  const withExtra = (extra: object) =>
    reviewOf('', '', { user: { username: 'system:serviceaccount:system:nmi', extra } });
  it.each([
    ['whose signature is forged', { authenticated: false, error: 'invalid signature' }],
    ['without a verdict', {}],
    ['that is authenticated by a text', reviewOf('nmi-1', 'nmi-uid-1', { authenticated: 'true' })],
    ['of a server that knows no audiences', reviewOf('nmi-1', 'nmi-uid-1', { audiences: undefined })],
    ['for another audience', reviewOf('nmi-1', 'nmi-uid-1', { audiences: ['api'] })],
    [
      'of another account than it says',
      reviewOf('nmi-1', 'nmi-uid-1', {
        user: { ...reviewOf('nmi-1', 'nmi-uid-1').user, username: 'mallory' },
      }),
    ],
    ['of a Secret of the account', withExtra({})],
    ['bound to a pod without uid', withExtra({ [name]: ['nmi-1'] })],
    ['bound to a uid without pod', withExtra({ [uid]: ['nmi-uid-1'] })],
    ['of nobody', reviewOf('nmi-1', 'nmi-uid-1', { user: undefined })],
    ['of a user without extras', withExtra(undefined as unknown as object)],
    ['bound to a pod and a uid that are no lists', withExtra({ [name]: 'nmi-1', [uid]: 'nmi-uid-1' })],
    ['bound to two pods', withExtra({ [name]: ['nmi-1', 'nmi-2'], [uid]: ['nmi-uid-1', 'nmi-uid-2'] })],
    ['of a pod that is gone', reviewOf('nmi-0', 'nmi-uid-0')],
    ['of a pod that was made again', reviewOf('nmi-1', 'nmi-uid-0')],
  ])('%s is refused', async (_, status) => {
    const { request, exchanged, token, world } = await brokerStage();
    world.reviews.set(token, status);
    expect(resultOf(await request())).toBe('unauthorized');
    expect(exchanged).toEqual([]);
  });

  it('one audience may be a text, as other issuers write it', async () => {
    const { request, clock, world } = await brokerStage();
    const token = agentToken(clock, { aud: 'aad-pod-identity-broker' });
    world.reviews.set(token, reviewOf('nmi-1', 'nmi-uid-1'));
    expect(resultOf(await request({}, { token }))).toBe('token');
  });

  it.each([
    ['no pod', withExtra({ [uid]: ['nmi-uid-1'] })],
    ['no uid', withExtra({ [name]: ['nmi-1'] })],
    ['numbers', withExtra({ [name]: [1], [uid]: [2] })],
  ])('one that names %s causes no read of pods', async (_, status) => {
    const { request, calls, token, world } = await brokerStage();
    world.reviews.set(token, status);
    expect(resultOf(await request())).toBe('unauthorized');
    expect(calls('pods')).toEqual([]);
  });

  it('a token of a pod that goes later is refused from then on', async () => {
    const { request, world } = await brokerStage();
    expect(resultOf(await request())).toBe('token');
    world.pods.delete('system/nmi-1');
    expect(resultOf(await request())).toBe('unauthorized');
  });

  it('a pod of NMI that is not on a node yet has no pods', async () => {
    const { request, world } = await brokerStage();
    world.pods.set('system/nmi-1', { uid: 'nmi-uid-1', node: '', account: 'nmi' });
    world.pods.set('pay/web', { uid: 'web-uid', node: '', account: 'web' });
    expect(resultOf(await request())).toBe('unauthorized');
  });
});

describe('a review of a token', () => {
  it('is one for the audience of the broker alone', async () => {
    const { request, calls, token } = await brokerStage();
    await request();
    const [review] = calls('tokenreviews');
    expect(review?.body).toEqual({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: ['aad-pod-identity-broker'] },
    });
  });

  it('attack: ever new tokens of one address leave 16 reviews of it in memory', async () => {
    const { request, calls, clock, world } = await brokerStage();
    const tokens = Array.from({ length: 17 }, (_, jti) => agentToken(clock, { jti }));
    for (const token of tokens) world.reviews.set(token, reviewOf('nmi-1', 'nmi-uid-1'));
    for (const token of tokens) await request({}, { token });
    expect(calls('tokenreviews')).toHaveLength(17);
    await request({}, { token: tokens[16] ?? '' });
    expect(calls('tokenreviews')).toHaveLength(17);
    await request({}, { token: tokens[0] ?? '' });
    expect(calls('tokenreviews')).toHaveLength(18);
  });

  it('counts for a minute, for the address that it came from', async () => {
    const { request, begin, calls, clock, settled, world, token } = await brokerStage();
    await Promise.all([settled(begin()), settled(begin())]);
    expect(calls('tokenreviews')).toHaveLength(1);
    await request({}, { peer: 'ip-of-a-thief' });
    expect(calls('tokenreviews')).toHaveLength(2);
    world.reviews.delete(token);
    await clock.advance(59_000);
    expect(resultOf(await request())).toBe('token');
    await clock.advance(1_000);
    expect(resultOf(await request())).toBe('unauthorized');
  });

  it('that refuses it is repeated every ten seconds at most', async () => {
    const { request, calls, clock, token, world } = await brokerStage();
    world.reviews.delete(token);
    for (let count = 0; count < 50; count += 1) await request();
    expect(calls('tokenreviews')).toHaveLength(1);
    world.reviews.set(token, reviewOf('nmi-1', 'nmi-uid-1'));
    await clock.advance(10_000);
    expect(resultOf(await request())).toBe('token');
  });
});

describe('attack: a node requests a token for a pod that is not its own', () => {
  it('of another node', async () => {
    const { request, clock, world, exchanged } = await brokerStage();
    const token = agentToken(clock, { jti: 'n2' });
    world.reviews.set(token, reviewOf('nmi-2', 'nmi-uid-2'));
    const response = await request({}, { token, peer: 'ip-n2' });
    expect(resultOf(response)).toBe('access_denied');
    expect(messageOf(response)).toBe('Pod pay/web is not on node n2.');
    expect(exchanged).toEqual([]);
  });

  it.each([
    ['that is gone', undefined, 'pod_gone'],
    ['that was made again', { uid: 'web-uid-2', node: 'n1', account: 'web' }, 'pod_gone'],
    ['that has succeeded', { uid: 'web-uid', node: 'n1', account: 'web', phase: 'Succeeded' }, 'pod_gone'],
    ['that has failed', { uid: 'web-uid', node: 'n1', account: 'web', phase: 'Failed' }, 'pod_gone'],
    [
      'that the node wrote itself, as a mirror pod',
      { uid: 'web-uid', node: 'n1', account: '' },
      'access_denied',
    ],
    ['that has no node', { uid: 'web-uid', node: '', account: 'web' }, 'access_denied'],
  ])('%s', async (_, pod, code) => {
    const { request, exchanged, world } = await brokerStage();
    if (pod) world.pods.set('pay/web', pod);
    else world.pods.delete('pay/web');
    world.rights.add(`pay/ ${tenant}`);
    expect(resultOf(await request())).toBe(code);
    expect(exchanged).toEqual([]);
  });
});

describe('a ServiceAccount without the right', () => {
  it('gets the roles to paste', async () => {
    const { request, exchanged, world } = await brokerStage();
    world.rights.clear();
    const response = await request();
    expect(resultOf(response)).toBe('access_denied');
    expect(messageOf(response)).toContain(`use federatedidentities ${tenant}/${clientId}`);
    expect(messageOf(response)).toContain('kind: ClusterRoleBinding');
    expect(exchanged).toEqual([]);
  });

  it.each([
    ['of another account', `pay/job ${tenant}/${clientId}`],
    ['of an account of this name in another namespace', `shop/web ${tenant}/${clientId}`],
    ['on another client', `pay/web ${tenant}/${otherClient}`],
    ['on the client in another tenant', `pay/web ${otherClient}/${clientId}`],
  ])('attack: a right %s does not count', async (_, right) => {
    const { request, world } = await brokerStage();
    world.rights.clear();
    world.rights.add(right);
    expect(resultOf(await request())).toBe('access_denied');
  });

  it('gets no token of the memory, either', async () => {
    const { request, clock, token, world } = await brokerStage();
    world.pods.set('pay/job', { uid: 'job-uid', node: 'n1', account: 'job' });
    expect(resultOf(await request())).toBe('token');
    expect(resultOf(await request({ pod: { namespace: 'pay', name: 'job', uid: 'job-uid' } }))).toBe(
      'access_denied',
    );
    world.rights.clear();
    await clock.advance(15_001);
    expect(resultOf(await request({}, { token }))).toBe('access_denied');
  });

  it('that is taken away while the token is requested gets none', async () => {
    const { request, world } = await brokerStage();
    world.entra = () => {
      world.rights.clear();
      world.pods.delete('pay/web');
      return 'token';
    };
    expect(resultOf(await request())).toBe('pod_gone');
  });

  it('attack: an API server that allows everything gives nobody a token', async () => {
    const { request, clock, world } = await brokerStage();
    world.allowsAll = true;
    await clock.advance(5 * 60_000);
    const token = agentToken(clock);
    world.reviews.set(token, reviewOf('nmi-1', 'nmi-uid-1'));
    expect(resultOf(await request({}, { token }))).toBe('not_ready');
  });
});

describe('while the API server does not answer', () => {
  it.each(
    (['tokenreviews', 'pods', 'subjectaccessreviews'] as const).flatMap((kind) =>
      unanswered.map((mood) => [kind, mood] as const),
    ),
  )('%s (%s): nothing is given, and the next answer counts', async (kind, mood) => {
    const { request, clock, exchanged, world, lines } = await brokerStage();
    world.mood[kind] = mood;
    expect(resultOf(await request())).toBe('review_unanswered');
    expect(exchanged).toEqual([]);
    if (kind !== 'subjectaccessreviews')
      expect(lines.map(({ message }) => message).join()).toContain('gave no usable response');
    world.mood[kind] = 'answers';
    await clock.advance(1_000);
    expect(resultOf(await request())).toBe('token');
  });

  it('one line a minute says so for each kind of request', async () => {
    const { request, clock, lines, world } = await brokerStage();
    world.mood.pods = 'fails';
    const told = () => lines.filter(({ message }) => message.includes('gave no usable response'));
    await clock.advance(1_000);
    for (let count = 0; count < 20; count += 1) await request();
    expect(told().map(({ fields }) => fields)).toEqual([
      { what: 'Pod', error: expect.objectContaining({ code: 'unavailable' }) as unknown },
    ]);
    await clock.advance(59_000);
    await request();
    expect(told()).toHaveLength(1);
    await clock.advance(1_000);
    await request();
    expect(told()).toHaveLength(2);
    world.mood.tokenreviews = 'fails';
    await request({}, { token: agentToken(clock, { jti: 'n3' }) });
    expect(told().map(({ fields }) => fields['what'])).toEqual(['Pod', 'Pod', 'TokenReview']);
  });
});

describe('an exchange', () => {
  it('is one for all that need the token at a time, and its token is kept', async () => {
    const { request, begin, clock, exchanged, settled, world } = await brokerStage();
    world.pods.set('shop/web', { uid: 'shop-uid', node: 'n1', account: 'web' });
    world.rights.add(`shop/web ${tenant}`);
    const shop = { pod: { namespace: 'shop', name: 'web', uid: 'shop-uid' } };
    const both = await Promise.all([settled(begin()), settled(begin(shop))]);
    expect(both.map(resultOf)).toEqual(['token', 'token']);
    await request();
    await clock.advance(30_000);
    await request();
    expect(exchanged).toHaveLength(1);
    await request({ resource: 'https://management.azure.com' });
    await request({ ...shop, clientId: otherClient });
    expect(exchanged).toHaveLength(3);
  });

  it.each([
    ['another application', { appid: otherClient, tid: tenant }],
    ['another tenant', { appid: clientId, tid: otherClient }],
    ['no application', { tid: tenant }],
    ['no tenant', { azp: clientId }],
  ])('attack: a token of %s is refused and not kept', async (_, claims) => {
    const { request, exchanged, world } = await brokerStage();
    world.entra = () => ({ token: jwt(claims) });
    expect(resultOf(await request())).toBe('entra_refused');
    expect(resultOf(await request())).toBe('entra_refused');
    expect(exchanged).toHaveLength(2);
  });

  it('whose program fails is no refusal of Entra', async () => {
    const { begin, world } = await brokerStage();
    world.entra = () => {
      throw new RangeError('a mistake');
    };
    await expect(begin()).rejects.toThrow('a mistake');
  });

  it('attack: a token that cannot be read is refused', async () => {
    const { request, world } = await brokerStage();
    world.entra = () => ({ token: 'opaque' });
    expect(resultOf(await request())).toBe('entra_refused');
  });

  it('takes the application of a token of version 2, too', async () => {
    const { request, world } = await brokerStage();
    world.entra = () => ({ token: jwt({ azp: clientId.toUpperCase(), tid: tenant }) });
    expect(resultOf(await request())).toBe('token');
  });

  it.each([
    ['is silent', { kind: 'silence' } as const, 'exchange_failed'],
    ['redirects', entraRefusal(302, 0, { body: undefined }), 'exchange_failed'],
    ['has an error of its own', entraRefusal(503, 0), 'exchange_failed'],
    ['asks for time', entraRefusal(429, 90055, { retryAfterMs: 7_000 }), 'too_many_requests'],
    ['does not know the application', entraRefusal(400, 700016), 'entra_refused'],
    ['wants another kind of credential', entraRefusal(400, 7000218), 'entra_refused'],
    ['knows the tenant in another cloud', entraRefusal(400, 900382), 'entra_refused'],
    ['names a Secret', entraRefusal(400, 7000215), 'entra_refused'],
    ['says what nobody knows', entraRefusal(400, 123456789), 'entra_refused'],
  ])('fails if Entra %s', async (_, answer, code) => {
    const { request, world } = await brokerStage();
    world.entra = () => answer;
    const response = await request();
    expect(resultOf(response)).toBe(code);
    expect(messageOf(response)).not.toMatch(/Secret|secret|certificate|adEndpoint|spec\.type|undefined/);
    if (code === 'too_many_requests') expect(response).toMatchObject({ retryAfterSeconds: 7 });
  });

  it.each([
    [53003, 'a Conditional Access policy blocks the application'],
    [700016, 'Check spec.clientID and spec.tenantID'],
    [123456789, 'why.'],
  ])('that Entra refuses with %i comes back with what helps', async (number, remedy) => {
    const { request, world } = await brokerStage();
    world.entra = () => entraRefusal(400, number);
    expect(messageOf(await request())).toContain(remedy);
  });

  it('is counted with its seconds, and by whether it gave a token', async () => {
    const { request, clock, metrics, world } = await brokerStage();
    await clock.advance(5_000);
    await request();
    world.entra = () => 'hangs';
    await request({ resource: 'other' });
    const text = await metrics.text();
    expect(text).toContain('exchange_duration_seconds_count{result="token"} 1');
    expect(text).toContain('exchange_duration_seconds_sum{result="token"} 0');
    expect(text).toContain('exchange_duration_seconds_count{result="failed"} 1');
    expect(text).toContain('exchange_duration_seconds_sum{result="failed"} 10');
  });

  const ofEntra = 'api://AzureADTokenExchange';
  it.each([
    ['is missing', () => Promise.reject(new Error('ENOENT')), 'cannot read its own token'],
    ['is for another audience', () => Promise.resolve(jwt({ aud: ['api'], iss: 'i', sub: 's' })), ofEntra],
    ['has no issuer', () => Promise.resolve(jwt({ aud: [ofEntra], sub: 's' })), ofEntra],
    ['has no subject', () => Promise.resolve(jwt({ aud: [ofEntra], iss: 'i' })), ofEntra],
    ['cannot be read', () => Promise.resolve(''), ofEntra],
  ])('does not begin while the assertion %s, and says so', async (_, assertion, words) => {
    const { request, exchanged, world } = await brokerStage();
    world.assertion = assertion;
    const response = await request();
    expect(resultOf(response)).toBe('exchange_failed');
    expect(messageOf(response)).toContain(words);
    expect(exchanged).toEqual([]);
  });

  it('without an assertion keeps the reason for the log', async () => {
    const { assertion, world } = await brokerStage();
    const reason = new Error('ENOENT');
    world.assertion = () => Promise.reject(reason);
    await expect(assertion()).rejects.toMatchObject({ cause: reason });
  });

  it('reads the assertion each time: it is renewed', async () => {
    const { request, exchanged, world } = await brokerStage();
    const claims = { aud: 'api://AzureADTokenExchange', iss: 'i', sub: 's' };
    await request();
    world.assertion = () => Promise.resolve(jwt({ ...claims, jti: 2 }));
    await request({ resource: 'other' });
    expect(exchanged[1]?.proof).toEqual({ kind: 'assertion', value: jwt({ ...claims, jti: 2 }) });
  });
});

describe('a federated credential', () => {
  const command =
    'az identity federated-credential create --resource-group RESOURCE-GROUP --identity-name IDENTITY ' +
    '--name aad-pod-identity-broker-f15d4b928d --issuer https://issuer.example/c --subject system:serviceaccount:broker:broker --audiences api://AzureADTokenExchange';

  it.each([70021, 700211, 700212, 700213, 70025])(
    'that Entra does not know for a moment (%i) costs nobody a call',
    async (number) => {
      const { request, world } = await brokerStage();
      let count = 0;
      world.entra = () => ((count += 1) < 3 ? entraRefusal(401, number) : 'token');
      expect(resultOf(await request())).toBe('token');
      expect(count).toBe(3);
    },
  );

  it('attack: that of another cluster, which az replaces by one of the same name, has another name', async () => {
    const nameAt = async (iss: string): Promise<string | undefined> => {
      const { request, world } = await brokerStage();
      world.assertion = () =>
        Promise.resolve(
          jwt({ aud: 'api://AzureADTokenExchange', iss, sub: 'system:serviceaccount:b:broker' }),
        );
      world.entra = () => entraRefusal(401, 70021);
      const { credential = '' } = (await request()) as { readonly credential?: string };
      return /--name (\S+)/.exec(credential)?.[1];
    };
    const [one, other] = [await nameAt('https://a.example'), await nameAt('https://b.example')];
    expect(one).toMatch(/^aad-pod-identity-broker-/);
    expect(other).not.toBe(one);
  });

  it('that is missing three times in a row is named, with the command that makes it', async () => {
    const { request, clock, exchanged, world } = await brokerStage();
    world.entra = () => entraRefusal(401, 70021);
    const response = await request();
    expect(response).toMatchObject({ code: 'credential_missing', credential: command, retryAfterSeconds: 5 });
    expect(exchanged).toHaveLength(3);
    for (let count = 0; count < 20; count += 1) expect(resultOf(await request())).toBe('credential_missing');
    expect(exchanged).toHaveLength(3);
    await clock.advance(5_000);
    expect(resultOf(await request())).toBe('credential_missing');
    expect(exchanged).toHaveLength(4);
    world.entra = () => 'token';
    await clock.advance(5_000);
    expect(resultOf(await request())).toBe('token');
    world.entra = () => entraRefusal(503, 0);
    expect(resultOf(await request({ resource: 'other' }))).toBe('exchange_failed');
  });

  it('that is there again is repeated as before when Entra does not know it for a moment', async () => {
    const { request, clock, exchanged, world } = await brokerStage();
    world.entra = () => entraRefusal(401, 70021);
    expect(resultOf(await request())).toBe('credential_missing');
    world.entra = () => 'token';
    await clock.advance(5_000);
    expect(resultOf(await request())).toBe('token');
    const before = exchanged.length;
    world.entra = () => (exchanged.length < before + 3 ? entraRefusal(401, 70021) : 'token');
    expect(resultOf(await request({ resource: 'other' }))).toBe('token');
  });

  it('that was missing is not the reason of an outage of Entra that follows', async () => {
    const { request, clock, world } = await brokerStage();
    world.entra = () => entraRefusal(401, 70021);
    expect(resultOf(await request())).toBe('credential_missing');
    world.entra = () => entraRefusal(503, 0);
    await clock.advance(5_000);
    expect(resultOf(await request())).toBe('exchange_failed');
  });

  it('the command takes issuer and subject as words of a shell', async () => {
    const { assertion, world } = await brokerStage();
    const claims = { aud: 'api://AzureADTokenExchange', iss: "https://i/$(id)'", sub: 's' };
    world.assertion = () => Promise.resolve(jwt(claims));
    await expect(assertion()).resolves.toMatchObject({
      credential: expect.stringContaining(`--issuer 'https://i/$(id)'\\''' --subject s `) as string,
    });
    world.assertion = () => Promise.resolve(jwt({ ...claims, iss: '$(id)/x', sub: 'x$(id)' }));
    await expect(assertion()).resolves.toMatchObject({
      credential: expect.stringContaining(`--issuer '$(id)/x' --subject 'x$(id)' `) as string,
    });
  });
});
