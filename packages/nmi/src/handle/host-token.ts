import { isNodeItself } from '@pod-identity/kit/core';
import type { NamedPodFinder } from '../identify/find-named.ts';
import { createHeaderJudge, type HeaderJudge, type HeaderRules } from '../request/headers.ts';
import type { BadRequest } from '../request/token-request.ts';
import type { InboundRequest } from '../request/wire.ts';
import type { Outcome } from '../respond/outcome.ts';
import type { Granter } from './grant.ts';
import {
  createTokenPipeline,
  type Handler,
  type TokenCall,
  type TokenPipelineOptions,
} from './token-pipeline.ts';

export interface HostTokenHandlerOptions extends TokenPipelineOptions, Pick<HeaderRules, 'allowedHosts'> {
  /** False: the path answers as if it were not there. */
  readonly isEnabled: boolean;
  readonly namedPods: NamedPodFinder;
  readonly granter: Granter;
}

/**
 * A process of the node asks for a pod's token and names the pod: the contract of the Secrets Store CSI driver. Whoever may
 * open a socket from the node's loopback can already be any pod on it, so only that address is let in; a pod can never
 * come from there. Forwarded requests and foreign hosts are refused like everywhere.
 */
export function createHostTokenHandler(options: HostTokenHandlerOptions): Handler {
  const { isEnabled, namedPods, granter, allowedHosts } = options;
  const headers = createHeaderJudge({ metadataHeaderRequired: false, allowedHosts });

  const serve = async ({ inbound, request, patience }: TokenCall): Promise<Outcome> => {
    const { podname: name, podns: namespace } = inbound.headers;
    // A hostNetwork pod may be named: it needs no address for that.
    const pod = await namedPods.find(String(namespace), String(name));
    if (pod === 'none') return { kind: 'unknown-pod', pod: `${String(namespace)}/${String(name)}` };
    if (pod === 'unconfirmed') return { kind: 'unconfirmed', pod: `${String(namespace)}/${String(name)}` };
    return forHost(await granter.grant({ pod, request, patience }));
  };
  const judge = (inbound: InboundRequest) => judgeHostCall(inbound, headers);

  return isEnabled ? createTokenPipeline(options, { judge, serve }) : disabled;
}

const disabled: Handler = { handle: () => ({ kind: 'nowhere', why: 'unknown' }) };

function judgeHostCall(request: InboundRequest, headers: HeaderJudge): BadRequest | undefined {
  const { podname: name, podns: namespace } = request.headers;
  if (!isNodeItself(request.peer)) return { why: 'not-from-the-node' };
  const fault = headers.judge(request);
  if (fault) return fault;
  return typeof name === 'string' && name !== '' && typeof namespace === 'string' && namespace !== ''
    ? undefined
    : { why: 'no-pod-headers' };
}

function forHost(outcome: Outcome): Outcome {
  return outcome.kind === 'token' ? { ...outcome, kind: 'host-token' } : outcome;
}
