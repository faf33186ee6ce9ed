// Room: the broker: exchanges its own assertion for tokens of federated identities, for pods of the node of the NMI that requests them.
// It must not watch, or keep what it knows of pods: where a pod is, and what it may use, is read for each token.
import type { Agents } from './agents.ts';
import type { Exchange } from './exchange.ts';
import { refused, type Placed } from './judge.ts';
import type { LocatePod } from './pods.ts';
import type { Rights } from './rights.ts';
import { readRequest, type BrokerRefusal, type BrokerRequest, type BrokerResponse } from '../broker/wire.ts';

export interface BrokerCall {
  /** Of the header Authorization; empty without one. */
  readonly token: string;
  readonly body: string;
  readonly peer: string;
  /** Aborts when nobody waits for the response any more. */
  readonly gone: AbortSignal;
}

/** A token that was given out. */
export interface Issuance extends Placed {
  readonly request: BrokerRequest;
}

export interface BrokerParts {
  readonly agents: Pick<Agents, 'identify' | 'note'>;
  readonly locatePod: LocatePod;
  readonly rights: Rights;
  readonly exchange: Exchange;
  readonly onIssued: (issuance: Issuance) => void;
}

export type Broker = ReturnType<typeof createBroker>;

const malformed = refused('invalid_request', 'The request names no pod, tenant, client id and resource.');

export function createBroker({ agents, locatePod, rights, exchange, onIssued }: BrokerParts) {
  /** Who requests, where the pod is and what it may use. */
  const admit = async (call: BrokerCall, request: BrokerRequest): Promise<Placed | BrokerRefusal> => {
    const agent = await agents.identify(call);
    if ('code' in agent) return agent;
    const placed = await locatePod(agent, request.pod, call.gone);
    if ('code' in placed) return placed;
    agents.note(placed.node, call.peer);
    return (await rights.refusal(request, placed)) ?? placed;
  };
  return {
    async respond(call: BrokerCall): Promise<BrokerResponse> {
      const request = readRequest(call.body);
      if (!request) return malformed;
      const placed = await admit(call, request);
      if ('code' in placed) return placed;
      // As for rights: nodes share what their namespace has.
      const tenant = { namespace: request.pod.namespace, pod: placed.node };
      const obtained = await exchange.get(request, tenant, call.gone);
      if ('code' in obtained) return obtained;
      // Pod and rights may have changed during an exchange.
      const still = obtained.from === 'hit' ? placed : await admit(call, request);
      if ('code' in still) return still;
      onIssued({ ...placed, request });
      const { token, expiresOnTimestamp } = obtained.issued.access;
      const expiresOn = Math.floor(expiresOnTimestamp / 1_000);
      return { kind: 'token', token, expiresOn, clientId: request.clientId };
    },
  };
}
