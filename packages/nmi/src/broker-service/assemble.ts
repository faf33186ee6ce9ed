import { createAccessReviewer, withOwnConnections, type KubeAmbient } from '@pod-identity/kit/kube';
import type { Metrics } from '@pod-identity/kit/serve';
import { checkStranger, reviewUseBy } from '../assemble-access.ts';
import type { EntraClient } from '../tokens/principal/entra-client.ts';
import { createAgents } from './agents.ts';
import { readAssertion } from './assertion.ts';
import { createBroker } from './broker.ts';
import { createExchange } from './exchange.ts';
import type { Account } from './judge.ts';
import { createPodReads } from './pods.ts';
import { createRights } from './rights.ts';
import { createIssuanceLog, createUnansweredLog, type brokerMetrics } from './reports.ts';

export interface AssemblyOptions extends KubeAmbient {
  readonly entra: EntraClient;
  /** The ServiceAccount of NMI. */
  readonly account: Account;
  readonly loginHost: string;
  /** Of the broker's own token, which `readToken` reads. */
  readonly audience: string;
  readonly readToken: () => Promise<string>;
  readonly metrics: Metrics<typeof brokerMetrics>;
}

export type Assembled = ReturnType<typeof assembleBroker>;

/** The broker without sockets and process. */
export function assembleBroker(options: AssemblyOptions) {
  const { entra, account, loginHost, clock, random, log, metrics } = options;
  const transport = withOwnConnections(options.transport);
  const api = { transport, account, clock, onUnanswered: createUnansweredLog(log, clock) };
  const reviewer = createAccessReviewer(transport);
  const stranger = checkStranger(reviewer, clock);
  const agents = createAgents(api);
  const assertion = () => readAssertion(options.readToken, options.audience);
  const broker = createBroker({
    agents,
    locatePod: createPodReads(api),
    rights: createRights(reviewUseBy(reviewer), stranger, clock),
    exchange: createExchange({
      entra,
      loginHost,
      readAssertion: assertion,
      clock,
      random,
      onExchanged: ({ ms, isOk }) =>
        metrics.observe('exchanges', ms / 1_000, { result: isOk ? 'token' : 'failed' }),
    }),
    onIssued: createIssuanceLog(log),
  });
  return { broker, agents, stranger, assertion };
}
