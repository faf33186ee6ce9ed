// Tokens of ServiceAccounts: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
import { generateKeyPairSync, randomUUID, sign, verify, type KeyPairKeyObjectResult } from 'node:crypto';
import { at, isRecord, recordAt, textAt, type Json, type KubeObject } from './object.ts';
import { badRequest, invalid, StatusError } from './status.ts';
import { apiVersionOf, type ResourceType } from './resources.ts';

export interface AccountTokens {
  /** The response to a TokenRequest for a ServiceAccount. */
  request(account: Account, given: unknown): Json;
  /** The response to a TokenReview. */
  review(type: ResourceType, given: unknown): Json;
  /** The documents by which others verify tokens; undefined for another path. */
  document(path: string): string | undefined;
}

interface Account {
  readonly namespace: string;
  readonly name: string;
}

interface Ports {
  readonly now: () => number;
  /** The URL of this server. */
  readonly issuer: () => string;
  readonly find: (plural: 'pods' | 'serviceaccounts', account: Account) => KubeObject | undefined;
}

interface Claims {
  readonly aud: readonly string[];
  readonly exp: number;
  readonly sub: string;
  readonly 'kubernetes.io': {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
    readonly pod?: { readonly name: string; readonly uid: string };
  };
}

const kid = 'simulator';
const secondsOf = (ms: number): number => Math.floor(ms / 1000);

export function createAccountTokens(ports: Ports): AccountTokens {
  // Made when it is needed: it takes a fifth of a second of the processor.
  let made: KeyPairKeyObjectResult | undefined;
  const keys = () => (made ??= generateKeyPairSync('rsa', { modulusLength: 2048 }));
  return {
    request: (account, given) => requestToken(account, given, { ...ports, keys }),
    review: (type, given) => reviewToken(type, given, { ...ports, keys }),
    document(path) {
      const issuer = ports.issuer();
      if (path === '/.well-known/openid-configuration')
        return JSON.stringify({
          issuer,
          jwks_uri: `${issuer}/openid/v1/jwks`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        });
      if (path !== '/openid/v1/jwks') return undefined;
      const jwk = keys().publicKey.export({ format: 'jwk' });
      return JSON.stringify({ keys: [{ ...jwk, use: 'sig', alg: 'RS256', kid }] });
    },
  };
}

type Signing = Ports & { readonly keys: () => KeyPairKeyObjectResult };

function requestToken(account: Account, given: unknown, ports: Signing): Json {
  const request = isRecord(given) ? given : {};
  const spec = recordAt(request, 'spec');
  const owner = ports.find('serviceaccounts', account);
  if (owner === undefined) throw missing('serviceaccounts', account.name);
  const { expirationSeconds = 3600 } = spec;
  if (typeof expirationSeconds !== 'number' || expirationSeconds < 600)
    throw new StatusError(
      'Invalid',
      'spec.expirationSeconds: may not specify a duration less than 10 minutes',
    );
  const named = textsAt(spec, 'audiences');
  const pod = boundPod(account, spec, ports);
  const iat = secondsOf(ports.now());
  const exp = iat + expirationSeconds;
  const { name, namespace } = account;
  const claims = {
    aud: named.length > 0 ? named : [ports.issuer()],
    exp,
    iat,
    nbf: iat,
    jti: randomUUID(),
    iss: ports.issuer(),
    sub: `system:serviceaccount:${namespace}:${name}`,
    'kubernetes.io': { namespace, serviceaccount: { name, uid: owner.metadata.uid }, ...(pod && { pod }) },
  };
  const status = { token: signed(claims, ports), expirationTimestamp: new Date(exp * 1000).toISOString() };
  return { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata: account, spec, status };
}

/** The pod that the token ends with. */
function boundPod(account: Account, spec: Json, { find }: Ports) {
  const bound = recordAt(spec, 'boundObjectRef');
  const [kind, name, uid] = ['kind', 'name', 'uid'].map((key) => textAt(bound, key));
  if (kind !== 'Pod' || name === undefined) return undefined;
  const pod = find('pods', { namespace: account.namespace, name });
  if (pod === undefined) throw missing('pods', name);
  if (textAt(pod, 'spec', 'serviceAccountName') !== account.name)
    throw badRequest(
      `cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`,
    );
  if (uid !== '' && uid !== pod.metadata.uid)
    throw new StatusError(
      'Conflict',
      `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      { kind: 'pods', name },
    );
  return { name, uid: pod.metadata.uid ?? '' };
}

const missing = (kind: string, name: string): StatusError =>
  new StatusError('NotFound', `${kind} "${name}" not found`, { kind, name });

function reviewToken(type: ResourceType, given: unknown, ports: Signing): Json {
  const spec = recordAt(given, 'spec');
  const token = textAt(spec, 'token');
  if (token === '')
    throw invalid(type, '', [
      { reason: 'FieldValueRequired', field: 'spec.token', message: 'Required value' },
    ]);
  const wanted = textsAt(spec, 'audiences');
  const claims = readClaims(token, ports);
  const audiences = claims?.aud.filter((each) =>
    (wanted.length > 0 ? wanted : [ports.issuer()]).includes(each),
  );
  const status =
    claims !== undefined && audiences !== undefined && audiences.length > 0 && lives(claims, ports)
      ? { authenticated: true, user: userOf(claims), audiences }
      : { user: {}, error: '[invalid bearer token, service account token is not valid]' };
  const metadata = { creationTimestamp: null };
  return { kind: type.kind, apiVersion: apiVersionOf(type), metadata, spec, status };
}

function userOf({ sub, 'kubernetes.io': { namespace, serviceaccount, pod } }: Claims): object {
  const extra = pod && {
    'authentication.kubernetes.io/pod-name': [pod.name],
    'authentication.kubernetes.io/pod-uid': [pod.uid],
  };
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
  return { username: sub, uid: serviceaccount.uid, groups, ...(extra && { extra }) };
}

/** It has not expired, and neither its account nor its pod is gone. */
function lives({ exp, 'kubernetes.io': { namespace, serviceaccount, pod } }: Claims, ports: Ports): boolean {
  const isThere = (plural: 'pods' | 'serviceaccounts', { name, uid }: { name: string; uid: string }) =>
    ports.find(plural, { namespace, name })?.metadata.uid === uid;
  return (
    exp > secondsOf(ports.now()) &&
    isThere('serviceaccounts', serviceaccount) &&
    (pod === undefined || isThere('pods', pod))
  );
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(claims: object, { keys }: Signing): string {
  const content = `${encoded({ alg: 'RS256', kid })}.${encoded(claims)}`;
  return `${content}.${sign('sha256', Buffer.from(content), keys().privateKey).toString('base64url')}`;
}

/** Undefined unless this server signed it. */
function readClaims(token: string, { keys }: Signing): Claims | undefined {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const isOwn = verify(
    'sha256',
    Buffer.from(`${head}.${payload}`),
    keys().publicKey,
    Buffer.from(signature, 'base64url'),
  );
  return isOwn ? (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims) : undefined;
}

function textsAt(of: Json, key: string): readonly string[] {
  const value = at(of, key) ?? [];
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string'))
    throw badRequest(`cannot unmarshal ${key} into a list of texts`);
  return value;
}
