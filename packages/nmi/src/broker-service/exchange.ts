import { RecentMap, type Tenant } from '@pod-identity/kit/core';
import type { Ambient } from '@pod-identity/kit/serve';
import { readClaims } from '../tokens/claims.ts';
import { isTemporary, redactId, TokenError } from '../tokens/errors.ts';
import { keyOf } from '../tokens/memory.ts';
import type { EntraClient, EntraRequest } from '../tokens/principal/entra-client.ts';
import { entraError, lacksCredential, remedies } from '../tokens/principal/entra-errors.ts';
import { createTokenSource, type Obtained } from '../tokens/source.ts';
import { timed, type Ended } from '../tokens/timed.ts';
import type { FederatedIdentity, IssuedToken, TokenUpstream, WantedToken } from '../tokens/types.ts';
import { createTurnQueues } from '../waiting/turn-queues.ts';
import type { Assertion } from './assertion.ts';
import type { BrokerRefusal, BrokerRequest } from '../broker/wire.ts';

export interface ExchangeOptions extends Pick<Ambient, 'clock' | 'random'> {
  readonly entra: EntraClient;
  readonly loginHost: string;
  readonly readAssertion: () => Promise<Assertion>;
  /** Called for each request to Entra. */
  readonly onExchanged: (ended: Ended) => void;
}

export type Exchange = ReturnType<typeof createExchange>;

/** In turns by namespace, and there by node: without them, one namespace could keep all others from Entra. */
const rates = {
  all: { atATime: 32, patienceMs: 10_000 },
  queues: { exchanges: { atATime: 32, waiting: { total: 2_048, perNamespace: 256, perPod: 64 } } },
};
const identitiesKept = 4_096;

/** Tokens of Entra for the broker's own assertion: in memory by tenant, client id and resource; room, turns and failures by namespace. */
export function createExchange(options: ExchangeOptions) {
  const { clock, random } = options;
  // The identities whose credential was missing at the last exchange.
  const missing = new RecentMap<string, string>(identitiesKept);
  const upstream = createUpstream(options, missing);
  const { exchanges } = createTurnQueues({ clock, ...rates });
  const tokens = createTokenSource({ upstream, queueFor: () => exchanges, clock, random });

  return {
    /** A token from memory, or by one exchange at a time for each. `tenant`: the namespace of the pod, and there its node. */
    async get(
      { tenant: tenantId, clientId, resource }: Omit<BrokerRequest, 'pod'>,
      tenant: Tenant,
      signal: AbortSignal,
    ): Promise<Obtained | BrokerRefusal> {
      const subject: FederatedIdentity = { kind: 'federated', name: '', tenantId, clientId };
      try {
        return await tokens.get(
          { subject, resource, bypassCache: false },
          { tenant, admit: () => 0, signal },
        );
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        return refusalOf(error, missing.get(keyOf(subject)));
      }
    },
  };
}

/** Entra sometimes reports an existing credential as missing, so the exchange is repeated before the failure counts. */
const repeatsMs = [500, 2_000];
/** Until the next exchange for a namespace. */
const missingKeptMs = 5_000;

class MissingCredential extends TokenError {
  constructor(who: string) {
    const text = `Microsoft Entra knows no federated credential of ${who} that trusts the broker of this cluster. A new one takes minutes to work.`;
    super('unavailable', text, { retryAfterMs: missingKeptMs });
  }
}

function createUpstream(options: ExchangeOptions, missing: Map<string, string>): TokenUpstream {
  const { clock, readAssertion } = options;
  return {
    async requestToken({ subject, resource }) {
      if (subject.kind !== 'federated')
        throw new TypeError('the broker has tokens of federated identities alone');
      const key = keyOf(subject);
      const pauses = missing.has(key) ? [] : [...repeatsMs];
      for (;;) {
        const assertion = await readAssertion();
        try {
          const issued = await exchangeOnce(options, { subject, resource }, assertion);
          missing.delete(key);
          return issued;
        } catch (error) {
          if (!(error instanceof MissingCredential)) {
            // Any other failure that follows is not caused by the credential.
            missing.delete(key);
            throw error;
          }
          const pauseMs = pauses.shift();
          if (pauseMs === undefined) {
            missing.set(key, assertion.credential);
            throw error;
          }
          await clock.sleep(pauseMs);
        }
      }
    },
  };
}

async function exchangeOnce(
  { entra, loginHost, clock, onExchanged }: ExchangeOptions,
  { subject, resource }: Pick<WantedToken<FederatedIdentity>, 'subject' | 'resource'>,
  { token }: Assertion,
): Promise<IssuedToken> {
  const { clientId, tenantId } = subject;
  const who = `client id ${redactId(clientId)} in tenant ${redactId(tenantId)}`;
  const request: EntraRequest = {
    subject: { authority: loginHost, clientId },
    tenantId,
    resource,
    proof: { kind: 'assertion', value: token },
    errorOf: (response) =>
      lacksCredential(response) ? new MissingCredential(who) : entraError(response, who, remedyOf),
  };
  const access = await timed(clock, onExchanged, () => entra.requestToken(request));
  const claims = readClaims(access.token);
  if (claims.clientId !== clientId || claims.tenantId !== tenantId)
    throw new TokenError(
      'denied',
      `The token that came for ${who} is that of another identity, or cannot be read.`,
    );
  return { access, clientId, objectId: claims.objectId };
}

/** Remedies of a Secret, a certificate or another login endpoint do not apply. */
function remedyOf(number: number): string | undefined {
  const text = remedies[number] ?? '';
  return text === '' || /%|adEndpoint|spec\.type/.test(text) ? undefined : text;
}

function refusalOf(
  { code, message, retryAfterMs }: TokenError,
  credential: string | undefined,
): BrokerRefusal {
  const retryAfterSeconds = Math.ceil((retryAfterMs ?? 1_000) / 1_000);
  if (!isTemporary(code)) return { kind: 'refusal', code: 'entra_refused', message };
  if (code === 'throttled') return { kind: 'refusal', code: 'too_many_requests', message, retryAfterSeconds };
  if (credential === undefined)
    return { kind: 'refusal', code: 'exchange_failed', message, retryAfterSeconds };
  return { kind: 'refusal', code: 'credential_missing', message, credential, retryAfterSeconds };
}
