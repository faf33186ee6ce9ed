import { ImdsError, type ImdsClient, type TokenRequest } from '@pod-identity/imds-client';
import type { Clock, Limit } from '@pod-identity/kit/core';
import { readClaims } from './claims.ts';
import { TokenError, tokenErrorOf } from './token-errors.ts';
import type { AskForToken, HostSubject, IssuedToken, TokenWish } from './types.ts';

export interface ManagedIdentityOptions {
  readonly imds: ImdsClient;
  readonly clock: Clock;
  /** Lets a question through in its turn. */
  readonly inTurn: Limit;
  /** How long a service that does not know an expected identity yet is asked again. */
  readonly holdMs: number;
  /** Told of every question to the metadata service. */
  readonly onAsked: (asked: { subject: HostSubject['kind']; ms: number; isOk: boolean }) => void;
}

const askAgainMs = 1_000;
/** A scale set's model can be this far ahead of its instances. Longer than this it is no delay, but an error. */
const modelDelayMs = 120_000;

/**
 * Tokens of user-assigned identities through the machine's metadata service. It is asked by resource id: that is what the
 * controller attached and what the cluster's administrator sees. A client id alone proves nothing, since anybody who may
 * write an AzureIdentity may write any client id into it.
 */
export function createManagedIdentitySource(options: ManagedIdentityOptions): AskForToken<HostSubject> {
  const { clock, holdMs, inTurn } = options;
  const refusals = createRefusals();
  const ask = (wish: TokenWish<HostSubject>) => inTurn(() => askImds(wish, options));

  const askExpected = async (wish: TokenWish<HostSubject>, resourceId: string): Promise<IssuedToken> => {
    const until = clock.now() + holdMs;
    for (;;) {
      try {
        const issued = await ask(wish);
        refusals.forget(resourceId);
        return issued;
      } catch (error) {
        if (!isNotOnHost(error)) throw error;
        const isLate = refusals.note(resourceId, clock.now()) > modelDelayMs;
        if (isLate) throw new TokenError('misconfigured', neverArrived, { status: 400, cause: error });
        if (clock.now() + askAgainMs > until) throw error;
        await clock.sleep(askAgainMs);
      }
    }
  };

  return (wish) => {
    const { subject, isExpected } = wish;
    return subject.kind === 'identity' && isExpected ? askExpected(wish, subject.resourceId) : ask(wish);
  };
}

async function askImds(
  wish: TokenWish<HostSubject>,
  { imds, clock, onAsked }: ManagedIdentityOptions,
): Promise<IssuedToken> {
  const startedAt = clock.now();
  let isOk = false;
  try {
    const access = await imds.getToken(requestFor(wish));
    isOk = true;
    const claims = readClaims(access.token);
    const clientId = access.clientId?.toLowerCase() ?? claims.clientId;
    return { access, clientId, objectId: claims.objectId };
  } catch (error) {
    throw error instanceof ImdsError ? tokenErrorOf(error) : error;
  } finally {
    onAsked({ subject: wish.subject.kind, ms: clock.now() - startedAt, isOk });
  }
}

const neverArrived =
  'The identity is assigned to this node, but the metadata service of the machine has not known it for more than two minutes. ' +
  'Check that the managed identity still exists in Azure, and that the scale set instance runs the latest model.';

function isNotOnHost(error: unknown): boolean {
  return error instanceof TokenError && error.code === 'not-on-host';
}

/** Since when the service has refused a resource, as long as it goes on refusing. */
function createRefusals() {
  const known = new Map<string, { readonly since: number; readonly last: number }>();
  return {
    /** Answers how long it has been refused, in milliseconds. */
    note(resource: string, now: number): number {
      const before = known.get(resource);
      const since = before && now - before.last < modelDelayMs ? before.since : now;
      known.set(resource, { since, last: now });
      return now - since;
    },
    forget: (resource: string) => known.delete(resource),
  };
}

function requestFor({ subject, resource, passThrough }: TokenWish<HostSubject>): TokenRequest {
  return { resource, passThrough, ...selectorFor(subject) };
}

function selectorFor(subject: HostSubject): Pick<TokenRequest, 'clientId' | 'objectId' | 'resourceId'> {
  if (subject.kind === 'identity') return { resourceId: subject.resourceId };
  switch (subject.by) {
    case 'nothing':
      return {};
    case 'client-id':
      return { clientId: subject.value };
    case 'object-id':
      return { objectId: subject.value };
    case 'resource-id':
      return { resourceId: subject.value };
  }
}
