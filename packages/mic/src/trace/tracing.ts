// Room: spans of MIC's passes: wraps the ports of other rooms where traces are exported.
// It must not change an outcome, or note a token or a secret.
import { noted, type SpanFacts, type Tracer } from '@pod-identity/kit/core';
import type { HostIdentities } from '../apply/host-identities.ts';
import type { ArmClient } from '../azure/arm/arm-client.ts';
import type { UpdateOutcome } from '../snapshot/facts/outcomes.ts';
import type { Turns } from '../term/host-queues.ts';

/** Each returns the port that it is given, with spans around its calls. */
export interface Tracing {
  turns(turns: Turns): Turns;
  hosts(hosts: HostIdentities): HostIdentities;
  arm(client: ArmClient): ArmClient;
}

const same = <T>(port: T): T => port;

/** Without a tracer every port stays what it is. */
export const untraced: Tracing = { turns: same, hosts: same, arm: same };

export function createTracing(tracer: Tracer | undefined): Tracing {
  if (!tracer) return untraced;
  const pass = (queue: 'objects' | 'azure', turn: Turns[typeof queue]): Turns[typeof queue] => {
    return (host) => {
      const facts = { 'pod_identity.lane': queue, 'pod_identity.host': host ?? '' };
      return tracer.trace(queue, { name: 'pass', facts }, () => turn(host));
    };
  };
  return {
    turns: (turns) => ({
      objects: pass('objects', (host) => turns.objects(host)),
      azure: pass('azure', (host) => turns.azure(host)),
      isGone: (host) => turns.isGone(host),
    }),
    hosts: (hosts) => ({
      read: (host, signal) =>
        tracer.span({ name: 'read host', facts: { 'pod_identity.host': host.id } }, async () =>
          noted(tracer, await hosts.read(host, signal), ({ kind }) => ({ 'pod_identity.result': kind })),
        ),
      update: (host, change, context) =>
        tracer.span({ name: 'change host', facts: { 'pod_identity.host': host.id } }, async () =>
          noted(tracer, await hosts.update(host, change, context), factsOfUpdate),
        ),
    }),
    arm: (client) => ({ ...client, send: (request) => sendTraced(tracer, client, request) }),
  };
}

function factsOfUpdate({ refusal, rejected, patches }: UpdateOutcome): SpanFacts {
  return {
    'pod_identity.result': refusal?.kind ?? 'done',
    'pod_identity.patches': patches,
    'pod_identity.rejected': rejected.length,
  };
}

type Send = ArmClient['send'];

function sendTraced(tracer: Tracer, client: ArmClient, request: Parameters<Send>[0]): ReturnType<Send> {
  const { method, url } = request;
  // The URL of an operation has an id of its own in each case, and Azure's query may have a token.
  const path = url.startsWith('/') ? url.replace(/\?.*$/, '') : 'operation';
  const facts = { 'http.request.method': method, 'url.path': path };
  return tracer.span({ name: `ARM ${method}`, kind: 'client', facts }, async () => {
    const result = await client.send(request);
    const status = result.ok ? result.value.status : result.status;
    tracer.note({
      'pod_identity.result': result.ok ? 'ok' : result.failure.kind,
      ...(status !== undefined && { 'http.response.status_code': status }),
    });
    return result;
  });
}
