import { isNodeItself } from '@pod-identity/kit/core';
import type { Granter } from './grant.ts';
import type { Handler, TokenHandlerOptions } from './token.ts';
import type { NamedPodFinder } from '../identify/find-named.ts';
import { createHeaderJudge, type HeaderJudge } from '../request/headers.ts';
import { parseTokenRequest, type BadRequest } from '../request/token-request.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { InboundRequest } from '../request/wire.ts';

export interface HostTokenHandlerOptions extends Pick<
  TokenHandlerOptions,
  'whenReady' | 'isOutdated' | 'holdMs' | 'allowedHosts'
> {
  /** False: the path answers as if it were not there. */
  readonly isEnabled: boolean;
  readonly podNamed: NamedPodFinder;
  readonly grant: Granter;
}

/**
 * A process of the node asks for a pod's token and names the pod: the contract of the Secrets Store CSI driver. Whoever may
 * open a socket from the node's loopback can already be any pod on it, so only that address is let in; a pod can never
 * come from there. Forwarded requests and foreign hosts are refused like everywhere.
 */
export function createHostTokenHandler(options: HostTokenHandlerOptions): Handler {
  const { isEnabled, podNamed, grant, whenReady, isOutdated, holdMs, allowedHosts } = options;
  const judgeHeaders = createHeaderJudge({ metadataHeaderRequired: false, allowedHosts });

  return async (request, query) => {
    if (!isEnabled) return { kind: 'nowhere', why: 'unknown' };
    const { podname: name, podns: namespace } = request.headers;
    const problem = judge(request, judgeHeaders);
    if (problem) return { kind: 'bad-request', problem };
    if (request.method !== 'GET') return { kind: 'bad-method' };
    const parsed = parseTokenRequest(query);
    if (!parsed.ok) return { kind: 'bad-request', problem: parsed.problem };

    const patience = { deadline: request.receivedAt + holdMs, caller: request };
    if (!(await whenReady(patience))) return { kind: 'starting' };
    if (isOutdated()) return { kind: 'outdated' };
    // A hostNetwork pod may be named: it needs no address for that.
    const pod = await podNamed(String(namespace), String(name));
    if (pod === 'none') return { kind: 'unknown-pod', pod: `${String(namespace)}/${String(name)}` };
    if (pod === 'unconfirmed') return { kind: 'unconfirmed', pod: `${String(namespace)}/${String(name)}` };
    return forHost(await grant({ pod, request: parsed.value, patience }));
  };
}

function judge(request: InboundRequest, judgeHeaders: HeaderJudge): BadRequest | undefined {
  const { podname: name, podns: namespace } = request.headers;
  if (!isNodeItself(request.peer)) return { why: 'not-from-the-node' };
  const fault = judgeHeaders(request);
  if (fault) return fault;
  return typeof name === 'string' && name !== '' && typeof namespace === 'string' && namespace !== ''
    ? undefined
    : { why: 'no-pod-headers' };
}

function forHost(outcome: Outcome): Outcome {
  return outcome.kind === 'token' ? { ...outcome, kind: 'host-token' } : outcome;
}
