// NMI from a request as a value to its response, in this process: real rooms between a cluster that never changes, and a metadata service and
// Entra that answer at once.
import type { FetchLike } from '@pod-identity/imds-client';
import type { Clock } from '@pod-identity/kit/core';
import { createLog, systemClock } from '@pod-identity/kit/serve';
import { createApp } from '../../src/app.ts';
import { createAuthorizer } from '../../src/authorize/authorizer.ts';
import { createGranter, type Granter } from '../../src/handle/grant.ts';
import { createHostTokenHandler } from '../../src/handle/host-token.ts';
import { createTokenHandler } from '../../src/handle/token.ts';
import type { PodView } from '../../src/identify/pod-view.ts';
import type { App } from '../../src/request/wire.ts';
import { reasonOf } from '../../src/respond/reason-of.ts';
import { createManagedIdentitySource } from '../../src/tokens/metadata/managed-identity.ts';
import { createImdsRequests } from '../../src/tokens/metadata/imds-requests.ts';
import { createEntraClient } from '../../src/tokens/principal/entra-client.ts';
import { createPrincipalSource } from '../../src/tokens/principal/principal-source.ts';
import { createTokenSource } from '../../src/tokens/source.ts';
import type { TokenUpstream } from '../../src/tokens/types.ts';
import { createCallerLimits } from '../../src/waiting/caller-limits.ts';
import {
  askNobody,
  binding,
  clientIdOf,
  exception,
  identity,
  objectIdOf,
  openQueue,
  pod,
  record,
  rules,
  viewOf,
} from '../builders.ts';

const principal = { tenantID: 'home.example', clientPassword: { name: 'credentials' } };
const identities = [
  identity({ name: 'reader' }),
  identity({ name: 'writer' }),
  identity({ name: 'app', type: 1, spec: principal }),
];
const bound = (of: string, selector: string) => binding(of, { name: `${of}-${selector}`, selector });
const podFor = (label: string, address: string, over: Partial<PodView> = {}): PodView =>
  pod({
    uid: `uid-${label}`,
    name: label,
    addresses: [address],
    labels: { aadpodidbinding: label, app: label },
    ...over,
  });

/** One of each kind: of one identity, of two, of an application, exempt, and without any. */
const pods = [
  podFor('one', '127.0.0.2'),
  podFor('two', '127.0.0.3'),
  podFor('application', '127.0.0.4'),
  podFor('exempt', '127.0.0.5'),
  podFor('nothing', '127.0.0.6'),
];
/** The last two are the node itself and nobody. */
export const peers: readonly string[] = [
  ...pods.flatMap(({ addresses }) => addresses),
  '127.0.0.1',
  '127.0.0.9',
];

const cluster = viewOf({
  identities,
  bindings: [
    bound('reader', 'one'),
    bound('reader', 'two'),
    bound('writer', 'two'),
    bound('app', 'application'),
  ],
  records: ['reader', 'writer', 'app'].flatMap((name, at) =>
    ['one', 'two', 'application'].map((of) => record(identities[at]!, 'Assigned', { pod: of })),
  ),
  exceptions: [exception({ app: 'exempt' })],
});

export interface RequestStage {
  readonly app: App;
  /** Errors that NMI reports as its own. */
  readonly crashes: unknown[];
  /** How often each reason, or `none`, was the outcome. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Requests to the metadata service and to Entra. */
  readonly asked: { readonly metadata: number; readonly entra: number };
}

export function createRequestStage(): RequestStage {
  const crashes: unknown[] = [];
  const reasons = new Map<string, number>();
  const clock = createPassingClock();
  const { upstream, asked } = createUpstream(clock);
  const headers = { metadataHeaderRequired: true, allowedHosts: new Set<string>() };
  const shared = {
    ...headers,
    isOutdated: () => false,
    whenReady: () => true as const,
    holdMs: 0,
    granter: granterOf(upstream, clock),
  };
  const silent = createLog({ component: 'nmi', destination: { write: () => undefined } });
  const podAt = (address: string) => pods.find(({ addresses }) => addresses.includes(address));
  const app = createApp({
    proxy: { handle: () => Promise.resolve({ kind: 'proxy-failed', why: 'unavailable' }) },
    token: createTokenHandler({
      ...shared,
      callers: {
        find: (address) => {
          const found = podAt(address);
          return found === undefined ? { kind: 'none' } : { kind: 'pod', pod: found };
        },
      },
      uidAt: (address) => podAt(address)?.uid,
      hasStopped: () => false,
    }),
    hostToken: createHostTokenHandler({
      ...shared,
      isEnabled: true,
      namedPods: {
        find: (namespace, name) =>
          Promise.resolve(pods.find((each) => each.key === `${namespace}/${name}`) ?? 'none'),
      },
    }),
    notAssignedStatus: 503,
    random: () => 0,
    clock: systemClock,
    onSent: ({ outcome }) => {
      const reason = reasonOf(outcome) ?? 'none';
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    },
    log: { ...silent, error: ({ error }: { error?: unknown }) => void crashes.push(error) },
  });
  return { app, crashes, reasons, asked };
}

/** A second passes with each look at it: neither the quota of an application nor a token that came just now saves requests to Entra. */
function createPassingClock(): Clock {
  const begun = systemClock.now();
  let passedMs = 0;
  const elapsed = () => (passedMs += 1_000);
  return { ...systemClock, elapsed, now: () => begun + elapsed() };
}

function granterOf(upstream: TokenUpstream, clock: Clock): Granter {
  return createGranter({
    authorizer: createAuthorizer(cluster.view, rules),
    latest: (of) => of,
    changes: cluster.changes,
    tokens: createTokenSource({
      upstream,
      clock,
      random: () => 0,
      queueFor: () => openQueue,
    }),
    bindingGraceMs: 0,
    limits: createCallerLimits({
      waiting: { total: 100_000, perNamespace: 100_000, perPod: 100_000 },
      upstreamBurst: 1e9,
      upstreamPerSecond: 1e9,
    }),
    access: askNobody,
    clock: systemClock,
    onWaited: () => undefined,
  });
}

function createUpstream(clock: Clock): {
  upstream: TokenUpstream;
  asked: { metadata: number; entra: number };
} {
  const asked = { metadata: 0, entra: 0 };
  const fetch: FetchLike = (url) => {
    asked.metadata += 1;
    return metadataService(url, clock);
  };
  const imds = createImdsRequests({ endpoint: 'http://metadata.test', metadata: { fetch }, clock });
  const common = { clock, random: () => 0, onRequested: () => undefined };
  const managed = createManagedIdentitySource(imds, common.clock, common.onRequested);
  const options = {
    ...common,
    secretReader: {
      read: () =>
        Promise.resolve({ version: '1', stored: { kind: 'secret' as const, value: 'not-a-real-one' } }),
    },
    certificates: { read: () => Promise.reject(new Error('no certificates here')) },
    turns: openQueue,
    onSecretChanged: () => undefined,
    entra: createEntraClient(
      {
        post: () => {
          asked.entra += 1;
          return Promise.resolve({
            kind: 'answer',
            status: 200,
            retryAfterMs: undefined,
            body: { access_token: 'token', expires_in: 3_600 },
          });
        },
      },
      clock,
    ),
  };
  const principals = createPrincipalSource(options);
  return {
    asked,
    upstream: {
      requestToken: ({ subject, ...rest }) => {
        if (subject.kind === 'federated') throw new Error('there is no broker');
        return subject.kind === 'service-principal'
          ? principals.requestToken({ subject, ...rest })
          : managed.requestToken({ subject, ...rest });
      },
    },
  };
}

const metadataService = (url: string, clock: Clock): ReturnType<FetchLike> => {
  const { pathname, searchParams } = new URL(url);
  const id = searchParams.get('msi_res_id')?.split('/').at(-1) ?? 'reader';
  const isSound =
    pathname === '/metadata/identity/oauth2/token' && searchParams.getAll('resource').length === 1;
  const body = isSound
    ? {
        access_token: `h.${Buffer.from(JSON.stringify({ oid: objectIdOf(id) })).toString('base64url')}.s`,
        client_id: clientIdOf(id),
        expires_in: '3600',
        expires_on: String(Math.floor(clock.now() / 1000) + 3_600),
        token_type: 'Bearer',
        resource: searchParams.get('resource'),
      }
    : { error: 'invalid_request', error_description: 'this is no request for a token' };
  return Promise.resolve({
    status: isSound ? 200 : 400,
    headers: { get: (name) => (name === 'content-type' ? 'application/json' : null) },
    readUpTo: () => Promise.resolve(Buffer.from(JSON.stringify(body))),
  });
};
