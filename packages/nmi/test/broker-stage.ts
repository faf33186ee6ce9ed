// A broker with an API server and an Entra that say what the test wants, and a clock that stands still.
import { KubeError, type KubeRequest } from '@pod-identity/kit/kube';
import { createMetrics, type Log, type LogFields } from '@pod-identity/kit/serve';
import { createFakeClock, type FakeClock } from '@pod-identity/kit/testing';
import { assembleBroker } from '../src/broker-service/assemble.ts';
import { brokerMetrics } from '../src/broker-service/reports.ts';
import { brokerAudience, requestBody, type BrokerRequest, type BrokerResponse } from '../src/broker/wire.ts';
import type { EntraClient, EntraRequest } from '../src/tokens/principal/entra-client.ts';
import type { EntraResponse } from '../src/tokens/principal/entra-errors.ts';
import { createTransport } from './transport.ts';

export const tenant = '11111111-1111-1111-1111-111111111111';
export const clientId = 'aaaaaaaa-1111-1111-1111-111111111111';
export const otherClient = 'bbbbbbbb-1111-1111-1111-111111111111';
const account = { namespace: 'system', name: 'nmi' };
const user = 'system:serviceaccount:system:nmi';
const audience = 'api://AzureADTokenExchange';

export const jwt = (claims: object) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

export interface StagePod {
  uid: string;
  node: string;
  account: string;
  phase?: string;
}

/** How the API server answers a kind of request. */
export type Mood = 'answers' | 'fails' | 'hangs';
type Kind = 'tokenreviews' | 'pods' | 'subjectaccessreviews';

export interface BrokerWorld {
  /** By `namespace/name`. */
  readonly pods: Map<string, StagePod>;
  /** The status of a TokenReview by token. */
  readonly reviews: Map<string, unknown>;
  /** `namespace/account tenant/client id`, or with the tenant alone. */
  readonly rights: Set<string>;
  readonly mood: Record<Kind, Mood>;
  /** What Entra answers; `hangs` until the clock has advanced by 10 s. */
  entra: (wanted: EntraRequest) => EntraResponse | 'token' | 'hangs' | { readonly token: string };
  /** Milliseconds until the API server refuses something: says that a pod does not exist, or denies. */
  refusalMs: number;
  /** Whether the API server allows everything. */
  allowsAll: boolean;
  /** The broker's own token. */
  assertion: () => Promise<string>;
}

/** The status of a review as the API server writes it for NMI's token. */
export const reviewOf = (pod: string, uid: string, over: object = {}) => ({
  authenticated: true,
  audiences: [brokerAudience],
  user: {
    username: user,
    extra: {
      'authentication.kubernetes.io/pod-name': [pod],
      'authentication.kubernetes.io/pod-uid': [uid],
    },
  },
  ...over,
});

export const agentToken = (clock: FakeClock, over: object = {}) =>
  jwt({ aud: [brokerAudience], sub: user, exp: clock.now() / 1_000 + 600, jti: 'n1', ...over });

export const entraRefusal = (status: number, number: number, over: object = {}): EntraResponse => ({
  kind: 'answer',
  status,
  retryAfterMs: undefined,
  body: { error: 'invalid_client', error_codes: [number], error_description: `AADSTS${number}: why.` },
  ...over,
});

const kindOf = ({ path }: KubeRequest): Kind =>
  path.endsWith('tokenreviews') ? 'tokenreviews' : path.endsWith('reviews') ? 'subjectaccessreviews' : 'pods';

interface Review {
  readonly spec: {
    readonly token: string;
    readonly user: string;
    readonly resourceAttributes: { readonly resource: string; readonly name: string };
  };
}

function resultFor(world: BrokerWorld, request: KubeRequest): unknown {
  switch (kindOf(request)) {
    case 'tokenreviews':
      return { status: world.reviews.get((request.body as Review).spec.token) ?? { authenticated: false } };
    case 'subjectaccessreviews':
      return accessReview(world, request.body as Review);
    case 'pods':
      return podAt(world, request.path);
  }
}

function accessReview(world: BrokerWorld, { spec: { user: who, resourceAttributes } }: Review): object {
  const account = who.replace('system:serviceaccount:', '').replace(':', '/');
  const { resource, name } = resourceAttributes;
  const isGranted = resource === 'federatedidentities' && world.rights.has(`${account} ${name}`);
  return { kind: 'SubjectAccessReview', status: { allowed: world.allowsAll || isGranted } };
}

function podAt(world: BrokerWorld, path: string): object {
  const [, namespace, name] = /\/namespaces\/([^/]+)\/pods\/([^/]+)$/.exec(path) ?? [];
  const pod = world.pods.get(`${namespace}/${name}`);
  if (!pod) throw new KubeError('not-found', 'no such pod');
  const { uid, node: nodeName, account: serviceAccountName, phase = 'Running' } = pod;
  return {
    metadata: { uid },
    spec: { nodeName, ...(serviceAccountName && { serviceAccountName }) },
    status: { phase },
  };
}

function createEntra(world: BrokerWorld, clock: FakeClock, sent: EntraRequest[]): EntraClient {
  return {
    requestToken: async (wanted) => {
      sent.push(wanted);
      const response = world.entra(wanted);
      if (response === 'hangs') await clock.sleep(10_000);
      if (response === 'hangs') throw wanted.errorOf({ kind: 'silence' });
      if (response !== 'token' && 'kind' in response) throw wanted.errorOf(response);
      const { subject, tenantId, resource } = wanted;
      const claims = { appid: subject.clientId, tid: tenantId, aud: resource, at: clock.now() };
      const token = response === 'token' ? jwt(claims) : response.token;
      return { token, expiresOnTimestamp: clock.now() + 3_600_000, tokenType: 'Bearer', resource };
    },
  };
}

/** Of pod pay/web on node n1, whose ServiceAccount may use the identity, requested by the NMI of the node. */
export async function brokerStage() {
  const clock = createFakeClock(1_700_000_000_000);
  const token = agentToken(clock);
  const world: BrokerWorld = {
    pods: new Map([
      ['system/nmi-1', { uid: 'nmi-uid-1', node: 'n1', account: 'nmi' }],
      ['system/nmi-2', { uid: 'nmi-uid-2', node: 'n2', account: 'nmi' }],
      ['pay/web', { uid: 'web-uid', node: 'n1', account: 'web' }],
    ]),
    reviews: new Map([[token, reviewOf('nmi-1', 'nmi-uid-1')]]),
    rights: new Set([`pay/web ${tenant}/${clientId}`]),
    mood: { tokenreviews: 'answers', pods: 'answers', subjectaccessreviews: 'answers' },
    entra: () => 'token',
    refusalMs: 0,
    allowsAll: false,
    assertion: () =>
      Promise.resolve(
        jwt({ aud: [audience], iss: 'https://issuer.example/c', sub: 'system:serviceaccount:broker:broker' }),
      ),
  };
  const transport = createTransport(async (request) => {
    const mood = world.mood[kindOf(request)];
    if (mood === 'hangs') await clock.sleep(request.timeoutMs ?? 30_000);
    if (mood !== 'answers') throw new KubeError('unavailable', 'no answer');
    const isRefusal = (result: unknown) => /"(allowed|authenticated)":false/.test(JSON.stringify(result));
    try {
      const result = resultFor(world, request);
      if (isRefusal(result)) await clock.sleep(world.refusalMs);
      return result;
    } catch (error) {
      await clock.sleep(world.refusalMs);
      throw error;
    }
  });
  const exchanged: EntraRequest[] = [];
  const lines: { fields: LogFields; message: string }[] = [];
  const write = (fields: LogFields, message: string) => void lines.push({ fields, message });
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log, level: 'debug' };
  const metrics = createMetrics(brokerMetrics);
  const assembled = assembleBroker({
    transport,
    entra: createEntra(world, clock, exchanged),
    account,
    loginHost: 'https://login.example',
    audience,
    readToken: () => world.assertion(),
    clock,
    random: () => 0.5,
    log,
    metrics,
  });
  const end = new AbortController();
  void assembled.stranger.run(end.signal);
  // Its first review is over before the first request.
  assembled.stranger.isRefused();
  await clock.advance(0);

  const begin = (over: Partial<BrokerRequest> = {}, from: { token?: string; peer?: string } = {}) =>
    assembled.broker.respond({
      token,
      peer: 'ip-n1',
      gone: new AbortController().signal,
      ...from,
      body: requestBody({
        pod: { namespace: 'pay', name: 'web', uid: 'web-uid' },
        tenant,
        clientId,
        resource: 'https://vault.azure.net',
        ...over,
      }),
    });
  /** Advances the clock by seconds until there is a response. */
  const settled = async (response: Promise<BrokerResponse>): Promise<BrokerResponse> => {
    const state = { isOver: false };
    void response.finally(() => (state.isOver = true)).catch(() => undefined);
    await clock.advance(0);
    for (let second = 0; second < 60 && !state.isOver; second += 1) await clock.advance(1_000);
    return response;
  };
  const calls = (kind: Kind) => transport.requests.filter((request) => kindOf(request) === kind);
  return {
    ...assembled,
    begin,
    calls,
    clock,
    exchanged,
    lines,
    metrics,
    settled,
    token,
    world,
    request: (...given: Parameters<typeof begin>) => settled(begin(...given)),
  };
}

/** The code of a refusal; `token` for a token. */
export const resultOf = (response: BrokerResponse) => (response.kind === 'token' ? 'token' : response.code);
