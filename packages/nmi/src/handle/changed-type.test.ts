// An AzureIdentity whose type is changed between 0 and 3 under a running pod.
import { createFakeClock } from '@pod-identity/kit/testing';
import { describe, expect, it } from 'vitest';
import {
  binding,
  identity,
  issuedTo,
  openQueue,
  patient,
  pod as podOf,
  resourceIdOf,
  rules,
  viewOf,
} from '../../test/builders.ts';
import type { AccessGuard } from '../access/guard.ts';
import type { AccessResult } from '../access/judge.ts';
import type { Access } from '../access/types.ts';
import { createAuthorizer } from '../authorize/authorizer.ts';
import { TokenError, type TokenErrorCode } from '../tokens/errors.ts';
import { createTokenSource } from '../tokens/source.ts';
import type { TokenSubject } from '../tokens/types.ts';
import { createCallerLimits } from '../waiting/caller-limits.ts';
import { createGranter } from './grant.ts';

const spec = { tenantID: '72f988bf-86f1-41af-91ab-2d7cd011db47', resourceID: resourceIdOf('reader') };
const asType = (type: 0 | 3) => ({
  identities: [identity({ name: 'reader', type, spec })],
  bindings: [binding('reader')],
});

const stage = (type: 0 | 3, identityAccess: 'namespace' | 'rbac' = 'namespace') => {
  const clock = createFakeClock(1_000_000);
  const cluster = viewOf(asType(type));
  /** The next token waits for it. */
  const arriving: Promise<undefined>[] = [];
  const fails = new Map<TokenSubject['kind'], TokenErrorCode>();
  const rights = new Set(['managedidentities', 'federatedidentities']);
  const resultOf = ({ pairs }: Access): AccessResult =>
    pairs !== 'machine' && pairs.every(({ target }) => rights.has(target.resource))
      ? { verdict: 'allowed' }
      : { verdict: 'denied', targets: [] };
  const access: AccessGuard = { now: resultOf, review: (needed) => Promise.resolve(resultOf(needed)) };
  const granter = createGranter({
    authorizer: createAuthorizer(cluster.view, { ...rules, identityAccess, hasBroker: true }),
    latest: (pod) => pod,
    changes: cluster.changes,
    tokens: createTokenSource({
      upstream: {
        async requestToken({ subject }) {
          await arriving.shift();
          const code = fails.get(subject.kind);
          if (code) throw new TokenError(code, 'no token');
          const issued = issuedTo('reader', { now: clock.now() });
          return { ...issued, access: { ...issued.access, token: `by ${subject.kind}` } };
        },
      },
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    limits: createCallerLimits({
      waiting: { total: 100, perNamespace: 100, perPod: 100 },
      upstreamBurst: 50,
      upstreamPerSecond: 10,
    }),
    access,
    clock,
    onWaited: () => undefined,
    bindingGraceMs: 0,
  });
  /** The token, or why there is none. */
  const request = async (): Promise<string> => {
    const outcome = await granter.grant({
      pod: podOf(),
      request: { resource: 'https://vault.azure.net', selector: { by: 'nothing' }, bypassCache: false },
      patience: { deadline: clock.elapsed(), caller: patient.caller },
    });
    if (outcome.kind === 'token') return outcome.issued.access.token;
    return outcome.kind === 'denied' ? outcome.denial.why : outcome.kind;
  };
  return { arriving, clock, cluster, fails, rights, request };
};

describe('the old token', () => {
  it.each([
    [0, 3, 'federated', 'unavailable', 'token-failed'],
    [3, 0, 'identity', 'not-on-host', 'not-assigned'],
  ] as const)(
    'of type %i does not leave after the change to %i, also while there is no new one',
    async (...given) => {
      const [before, after, kind, code, refusal] = given;
      const { clock, cluster, fails, request } = stage(before);
      await request();
      fails.set(kind, code);
      cluster.change(asType(after));
      expect(await request()).toBe(refusal);
      fails.clear();
      await clock.advance(10_000);
      expect(await request()).toBe(`by ${kind}`);
    },
  );

  it.each(['namespace', 'rbac'] as const)(
    'attack: requested as type 0, it does not leave in mode %s without the right that type 3 needs by then',
    async (mode) => {
      const { cluster, arriving, rights, request } = stage(0, mode);
      const gate = Promise.withResolvers<undefined>();
      arriving.push(gate.promise);
      const requested = request();
      rights.delete('federatedidentities');
      cluster.change(asType(3));
      gate.resolve(undefined);
      expect(await requested).toBe('access-denied');
    },
  );
});
