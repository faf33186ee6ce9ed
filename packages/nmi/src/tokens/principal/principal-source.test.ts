import { createFakeClock } from '@pod-identity/kit/testing';
import { expect, it } from 'vitest';
import { openQueue } from '../../../test/builders.ts';
import { TokenError } from '../errors.ts';
import type { ServicePrincipal, WantedToken } from '../types.ts';
import type { EntraRequest } from './entra-client.ts';
import { createPrincipalSource } from './principal-source.ts';

const subject: ServicePrincipal = {
  kind: 'service-principal',
  name: 'shop/app',
  clientId: 'app',
  tenantId: 'home',
  auxiliaryTenantIds: [],
  authority: 'https://login.example',
  credential: 'secret',
  secret: { namespace: 'shop', name: 'app' },
};
const wanted = (over: Partial<WantedToken<ServicePrincipal>> = {}): WantedToken<ServicePrincipal> => ({
  subject,
  resource: 'https://vault.azure.net',
  bypassCache: false,
  ...over,
});
const jwt = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

/** Entra as it answers each tenant, and all that it is asked. */
const stage = (answer: (question: EntraRequest) => string | Error = () => 'opaque') => {
  const clock = createFakeClock(1_000);
  const questions: EntraRequest[] = [];
  const requested: { ms: number; isOk: boolean }[] = [];
  const changed: string[] = [];
  const state = { version: '1', answer, hold: Promise.resolve(undefined) };
  const source = createPrincipalSource({
    clock,
    secretReader: {
      read: () => Promise.resolve({ version: state.version, stored: { kind: 'secret', value: 'hidden' } }),
    },
    certificates: { read: () => Promise.reject(new Error('there is no certificate here')) },
    turns: openQueue,
    entra: {
      requestToken: async (question) => {
        questions.push(question);
        await clock.sleep(20);
        await state.hold;
        const token = state.answer(question);
        if (token instanceof Error) throw token;
        const expiresOnTimestamp = clock.now() + 3_600_000;
        return { token, expiresOnTimestamp, tokenType: 'Bearer', resource: question.resource };
      },
    },
    onSecretChanged: ({ namespace, name }) => changed.push(`${namespace}/${name}`),
    onRequested: (one) => requested.push(one),
  });
  const ask = async (one = wanted()) => {
    const outcome = source.requestToken(one).catch((error: unknown) => error as Error);
    await clock.advance(1_000);
    return outcome;
  };
  return { ask, questions, requested, clock, state, changed, source };
};

it('asks the tenant of the application, with what the Secret holds, and tells how long that took', async () => {
  const { ask, questions, requested } = stage();
  await expect(ask()).resolves.toEqual({
    access: {
      token: 'opaque',
      expiresOnTimestamp: 3_601_020,
      tokenType: 'Bearer',
      resource: 'https://vault.azure.net',
    },
    clientId: 'app',
    objectId: undefined,
  });
  expect(questions).toEqual([
    {
      subject,
      tenantId: 'home',
      resource: 'https://vault.azure.net',
      proof: { kind: 'secret', value: 'hidden' },
      errorOf: expect.any(Function) as unknown,
    },
  ]);
  expect(requested).toEqual([{ ms: 20, isOk: true }]);
});

it('tells how long a request took, also when the clock was set back meanwhile', async () => {
  const { ask, requested, clock, state } = stage();
  state.answer = () => {
    clock.now = () => -3_600_000;
    return 'opaque';
  };
  await ask();
  expect(requested).toEqual([{ ms: 20, isOk: true }]);
});

it('whose token it is, the token says itself', async () => {
  const { ask } = stage(() => jwt({ appid: 'ANOTHER', oid: 'Object' }));
  await expect(ask()).resolves.toMatchObject({ clientId: 'another', objectId: 'object' });
});

it('asks each auxiliary tenant as well, in their order, and fails when one of them does', async () => {
  const { ask, questions, state } = stage(({ tenantId }) => `of ${tenantId}`);
  const many = wanted({ subject: { ...subject, auxiliaryTenantIds: ['one', 'two'] } });
  await expect(ask(many)).resolves.toMatchObject({
    access: { token: 'of home' },
    auxiliary: [
      { tenantId: 'one', access: { token: 'of one' } },
      { tenantId: 'two', access: { token: 'of two' } },
    ],
  });
  expect(questions.map(({ tenantId }) => tenantId)).toEqual(['home', 'one', 'two']);
  state.answer = ({ tenantId }) => (tenantId === 'two' ? new TokenError('denied', 'no') : 'x');
  await expect(ask(many)).resolves.toMatchObject({ code: 'denied' });
});

it('without auxiliary tenants there are no tokens of any', async () => {
  expect(await stage().ask()).not.toHaveProperty('auxiliary');
});

it('a token that was requested with a Secret that has changed meanwhile is not given out', async () => {
  const { source, questions, clock, state, changed } = stage();
  const answer = Promise.withResolvers<undefined>();
  state.hold = answer.promise;
  const outcome = source.requestToken(wanted()).catch((error: unknown) => error as Error);
  await clock.advance(5 * 60_000);
  state.version = '2';
  await source.look(subject);
  expect([questions.length, changed]).toEqual([1, ['shop/app']]);
  answer.resolve(undefined);
  await expect(outcome).resolves.toMatchObject({
    code: 'unavailable',
    message: 'Secret shop/app was changed while a token was requested with it. Try again.',
  });
});
