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
  /** False: 404. */
  readonly isEnabled: boolean;
  readonly namedPods: NamedPodFinder;
  readonly granter: Granter;
}

/**
 * A process on the node requests the token of a pod that it names: the API of the Secrets Store CSI driver. Only the node's loopback address
 * is allowed. A probe with `host: 127.0.0.1` has the kubelet call from it, which nothing tells from a driver: the Pod chooses all headers.
 */
export function createHostTokenHandler(options: HostTokenHandlerOptions): Handler {
  const { isEnabled, namedPods, granter, allowedHosts } = options;
  const judgeHeaders = createHeaderJudge({ metadataHeaderRequired: false, allowedHosts });

  const serve = async ({ inbound, request, patience }: TokenCall): Promise<Outcome> => {
    const { podname: name, podns: namespace } = inbound.headers;
    // Pods with hostNetwork can be named, too: no address is needed.
    const pod = await namedPods.find(String(namespace), String(name));
    if (pod === 'none') return { kind: 'unknown-pod', pod: `${String(namespace)}/${String(name)}` };
    if (pod === 'unconfirmed') return { kind: 'unconfirmed', pod: `${String(namespace)}/${String(name)}` };
    const outcome = await granter.grant({ pod, request, patience });
    return outcome.kind === 'token' ? { ...outcome, kind: 'host-token' } : outcome;
  };
  const judge = (inbound: InboundRequest) => judgeHostCall(inbound, judgeHeaders);

  return isEnabled ? createTokenPipeline(options, { judge, serve }) : disabled;
}

const disabled: Handler = { handle: () => ({ kind: 'nowhere', why: 'unknown' }) };

function judgeHostCall(request: InboundRequest, judgeHeaders: HeaderJudge): BadRequest | undefined {
  const { podname: name, podns: namespace } = request.headers;
  if (!isNodeItself(request.peer)) return { why: 'not-from-the-node' };
  const fault = judgeHeaders(request);
  if (fault) return fault;
  return typeof name === 'string' && name !== '' && typeof namespace === 'string' && namespace !== ''
    ? undefined
    : { why: 'no-pod-headers' };
}
