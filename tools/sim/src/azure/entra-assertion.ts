import { createHash, X509Certificate, type KeyObject } from 'node:crypto';
import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  type ProtectedHeaderParameters,
} from 'jose';
import type { App, FederatedCredential } from './directory.ts';
import { refusal, type EntraRefusal } from './entra-errors.ts';
import type { FetchIssuerKeys } from './issuer-keys.ts';

interface AssertionCheck {
  readonly assertion: string;
  readonly app: App;
  readonly federated: readonly FederatedCredential[];
  /** Called once a federated credential matches: whether it is missed nevertheless. */
  readonly takeMiss: () => boolean;
  /** The audiences that a certificate assertion may have. */
  readonly audiences: readonly string[];
  readonly nowSeconds: number;
  readonly fetchIssuerKeys: FetchIssuerKeys;
}

interface Presented extends AssertionCheck {
  readonly header: ProtectedHeaderParameters;
  readonly claims: JWTPayload;
}

/** How far clocks may differ. */
const leewaySeconds = 300;

const federationAudience = 'api://AzureADTokenExchange';

/** A client assertion is either signed with a certificate of the app itself or comes from an issuer it trusts. */
export async function checkAssertion(check: AssertionCheck): Promise<EntraRefusal | undefined> {
  const decoded = decode(check.assertion);
  if (decoded === undefined) return refusal(50027, 'JWT token is invalid or malformed.');
  const presented = { ...check, ...decoded };
  const isOwn = decoded.claims.iss?.toLowerCase() === check.app.clientId.toLowerCase();
  return isOwn ? checkCertificateAssertion(presented) : checkFederatedAssertion(presented);
}

function decode(assertion: string): Pick<Presented, 'header' | 'claims'> | undefined {
  try {
    return { header: decodeProtectedHeader(assertion), claims: decodeJwt(assertion) };
  } catch {
    return undefined;
  }
}

async function checkCertificateAssertion(presented: Presented): Promise<EntraRefusal | undefined> {
  const { header, claims, app, assertion } = presented;
  const certificate = app.certificates
    .map((pem) => new X509Certificate(pem))
    .find((one) => isNamedBy(header, one));
  if (certificate === undefined)
    return refusal(
      700027,
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprintOf(header)}', Client app ID: ${app.clientId}.]`,
    );
  if (isElliptic(header) && !app.ellipticCurves)
    return refusal(5002738, `Invalid JWT token. '${header.alg}' is not a supported signature algorithm.`);
  if (!(await isSignedBy(assertion, certificate.publicKey, certificateAlgorithms(header))))
    return refusal(
      700027,
      `Client assertion failed signature validation. [Reason - The key was found but the signature does not match., Client app ID: ${app.clientId}.]`,
    );
  if (claims.sub !== claims.iss)
    return refusal(50027, 'JWT token is invalid or malformed: sub and iss must be the client.');
  if (!audiencesOf(claims).some((audience) => presented.audiences.includes(audience)))
    return refusal(700023, 'Client assertion audience claim does not match Realm issuer.');
  return timeProblem(presented);
}

/** SHA-256 thumbprints go with PS256, the older SHA-1 ones with RS256. */
function isNamedBy(header: ProtectedHeaderParameters, certificate: X509Certificate): boolean {
  const digest = (algorithm: string) => createHash(algorithm).update(certificate.raw).digest('base64url');
  const sha256 = header['x5t#S256'];
  if (typeof sha256 === 'string') return sha256 === digest('sha256');
  return header.x5t === digest('sha1');
}

function certificateAlgorithms(header: ProtectedHeaderParameters): string[] {
  if (isElliptic(header)) return ['ES256', 'ES384'];
  return header['x5t#S256'] === undefined ? ['RS256'] : ['PS256', 'RS256'];
}

function isElliptic({ alg = '' }: ProtectedHeaderParameters): boolean {
  return alg.startsWith('ES');
}

function thumbprintOf(header: ProtectedHeaderParameters): string {
  const thumbprint = header['x5t#S256'] ?? header.x5t;
  return typeof thumbprint === 'string'
    ? Buffer.from(thumbprint, 'base64url').toString('hex').toUpperCase()
    : '';
}

async function checkFederatedAssertion(presented: Presented): Promise<EntraRefusal | undefined> {
  const credential = matchCredential(presented);
  if ('code' in credential) return credential;
  const keys = credential.keys ?? (await fetchKeys(presented, credential.issuer));
  if (keys === undefined)
    return refusal(
      90061,
      `Request to External OIDC endpoint failed: the keys of ${credential.issuer} could not be fetched.`,
    );
  if (!(await isSignedBySet(presented.assertion, keys)))
    return refusal(50013, 'Assertion failed signature validation. [Reason - The key was not found.]');
  return timeProblem(presented);
}

/** Names the first of issuer, audience and subject that no credential has. */
function matchCredential({
  federated,
  claims,
  app,
  takeMiss,
}: Presented): FederatedCredential | EntraRefusal {
  if (federated.length === 0)
    return refusal(70025, `The client '${app.clientId}' has no configured federated identity credentials.`);
  const { iss = '', sub = '' } = claims;
  const none = 'No matching federated identity record found for presented assertion';
  const sameIssuer = federated.filter((one) => one.issuer === iss);
  if (sameIssuer.length === 0) return refusal(700211, `${none} issuer '${iss}'.`);
  const audiences = audiencesOf(claims);
  const sameAudience = sameIssuer.filter((one) => audiences.includes(one.audience ?? federationAudience));
  if (sameAudience.length === 0) return refusal(700212, `${none} audience '${audiences.join(', ')}'.`);
  const [credential] = sameAudience.filter((one) => one.subject === sub);
  return credential === undefined || takeMiss() ? refusal(700213, `${none} subject '${sub}'.`) : credential;
}

function audiencesOf({ aud = [] }: JWTPayload): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud;
}

function timeProblem({ claims, nowSeconds }: Presented): EntraRefusal | undefined {
  const { nbf = 0, exp = 0 } = claims;
  if (nbf <= nowSeconds + leewaySeconds && exp > nowSeconds - leewaySeconds) return undefined;
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  return refusal(
    700024,
    `Client assertion is not within its valid time range. Current time: ${time(nowSeconds)}, assertion valid from ${time(nbf)}, expiry time of assertion ${time(exp)}.`,
  );
}

async function fetchKeys(presented: Presented, issuer: string): Promise<JSONWebKeySet | undefined> {
  try {
    return await presented.fetchIssuerKeys(issuer);
  } catch {
    return undefined;
  }
}

async function isSignedBy(assertion: string, key: KeyObject, algorithms: string[]): Promise<boolean> {
  try {
    await compactVerify(assertion, key, { algorithms });
    return true;
  } catch {
    return false;
  }
}

async function isSignedBySet(assertion: string, keys: JSONWebKeySet): Promise<boolean> {
  try {
    await compactVerify(assertion, createLocalJWKSet(keys), { algorithms: ['RS256'] });
    return true;
  } catch {
    return false;
  }
}
