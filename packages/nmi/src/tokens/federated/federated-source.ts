// Room: tokens of federated identities: NMI requests them from the broker, each for one pod.
// It must not decide who may use which identity: the broker does that again.
import { createBudgets, printable } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import type { BrokerRefusal, BrokerToken } from '../../broker/wire.ts';
import { readClaims } from '../claims.ts';
import { TokenError, type TokenErrorCode } from '../errors.ts';
import { timed, type Ended } from '../timed.ts';
import type { FederatedIdentity, TokenUpstream, WantedToken } from '../types.ts';
import type { BrokerClient } from './broker-client.ts';

export interface FederatedSourceOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly client: Pick<BrokerClient, 'request'>;
  /** Called for each request to the broker. */
  readonly onRequested: (ended: Ended) => void;
}

const codes: Readonly<Record<BrokerRefusal['code'], TokenErrorCode>> = {
  invalid_request: 'refused',
  entra_refused: 'denied',
  unauthorized: 'unavailable',
  access_denied: 'denied',
  pod_gone: 'unavailable',
  too_many_requests: 'throttled',
  review_unanswered: 'unavailable',
  exchange_failed: 'unavailable',
  credential_missing: 'no-credential',
  not_ready: 'unavailable',
};

/** Characters: the text goes into responses, logs and Events. */
const longestMessage = 2_000;

export function createFederatedSource(options: FederatedSourceOptions): TokenUpstream<FederatedIdentity> {
  const { client, clock, onRequested } = options;
  const warn = createWarnings(options);

  const tokenOf = async ({ subject, resource }: Requested) => {
    const { pod, tenantId: tenant, clientId } = subject;
    if (!pod) throw new TypeError('a federated identity needs a pod here');
    const response = await client.request({ pod, tenant, clientId, resource }).catch((error: unknown) => {
      warn(error instanceof Error ? error.message : String(error), 'the broker gave no response');
      throw new TokenError('unavailable', unreachable(subject), { cause: error });
    });
    if (response.kind === 'token') return issuedOf(response, { subject, resource });
    if (response.code === 'unauthorized')
      warn(response.message, 'the broker does not accept the token of NMI');
    throw errorOf(response, subject);
  };

  return { requestToken: (wanted) => timed(clock, onRequested, () => tokenOf(wanted)) };
}

type Requested = Pick<WantedToken<FederatedIdentity>, 'subject' | 'resource'>;

/** The broker has looked at the token already; a mix-up there must not get to a pod either. */
function issuedOf({ token, expiresOn, clientId }: BrokerToken, { subject, resource }: Requested) {
  const claims = readClaims(token);
  if (clientId !== subject.clientId || claims.clientId !== subject.clientId)
    throw new TokenError(
      'unavailable',
      `The broker gave a token that is not of AzureIdentity ${subject.name}.`,
    );
  const access = {
    token,
    expiresOnTimestamp: expiresOn * 1000,
    tokenType: 'Bearer' as const,
    resource,
    clientId,
  };
  return { access, clientId, objectId: claims.objectId };
}

function errorOf(
  { code, message, credential, retryAfterSeconds }: BrokerRefusal,
  { name }: FederatedIdentity,
): TokenError {
  const words =
    code === 'unauthorized' ? 'The broker does not accept this NMI; the log of NMI says why.' : message;
  const command =
    credential === undefined ? '' : ` The command that makes its federated credential: ${credential}`;
  const whole = `AzureIdentity ${name}: ${words}${command}`;
  // Only that of roles to paste has lines.
  const lines = code === 'access_denied' ? whole.split('\n') : [whole];
  const text = lines.map(printable).join('\n');
  return new TokenError(
    codes[code],
    text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text,
    {
      retryAfterMs: retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000,
    },
  );
}

function unreachable({ name }: FederatedIdentity): string {
  return `No broker gave a response for AzureIdentity ${name}, which is of type 3 (federated). Try again; if this lasts, the log of NMI says why.`;
}

/** How often the same warning is logged, once a minute: while the broker is away, each request of a pod has one. */
const warnings = { burst: 1, perSecond: 1 / 60 };

function createWarnings({ clock, log }: FederatedSourceOptions) {
  const budgets = createBudgets(warnings);
  return (reason: string, text: string) => {
    if (budgets.take(text, clock.elapsed()))
      log.warn({ reason: printable(reason.slice(0, longestMessage)) }, text);
  };
}
