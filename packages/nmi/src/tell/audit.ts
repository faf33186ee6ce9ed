import { Buffer } from 'node:buffer';
import { createBudgets, RecentMap, type Clock } from '@pod-identity/kit/core';
import { logLine, type LogFormat, type Output } from '@pod-identity/kit/serve';
import type { SentResponse, Issuance } from '../respond/outcome.ts';
import type { Route } from '../request/routes.ts';
import { redactId } from '../tokens/errors.ts';

export interface AuditOptions {
  readonly format: LogFormat;
  readonly output: Pick<Output, 'write' | 'lost'>;
  readonly clock: Pick<Clock, 'now' | 'elapsed'>;
}

/** Tokens of one identity for one pod that have a line. No token is kept here. */
interface Reported {
  readonly identity: string;
  readonly clientId: string | undefined;
  readonly route: Route['kind'];
  /** When the line was written; '' is for all resources without a place of their own. */
  readonly resources: Map<string, number>;
}

/** A line is repeated after this time. */
const againMs = 60 * 60_000;
const separateResources = 8;
/** The caller chooses the text. */
const longestResource = 256;
/** Whoever makes it forget something gets a line more, never one less. */
const kept = { pods: 512, identitiesOfPod: 16 };
/**
 * Bytes of a namespace, so that it does not rotate the lines of others away: what finds none left is written at a later token. The first line about
 * an identity has bytes of its own, so it cannot be hidden behind many resources.
 */
const bytes = { burst: 16 * 1024, perSecond: (16 * 1024) / 60 };

/** Writes who got a token of which identity, cached or not: a line for the first one of a pod for an identity and a resource, again each hour. */
export function createAudit({ format, output, clock }: AuditOptions): (sent: SentResponse) => void {
  const pods = new RecentMap<string, readonly Reported[]>(kept.pods);
  const [first, further] = [createBudgets(bytes), createBudgets(bytes)];

  /** Whether the line has a place before the reader. */
  const write = (issuance: Issuance, route: Route['kind'], budgets: typeof first): boolean => {
    const [namespace = ''] = issuance.pod.split('/', 1);
    const fields = fieldsOf(issuance, route);
    const line = logLine(format, {
      time: new Date(clock.now()),
      component: 'nmi',
      fields,
      message: 'token issued',
    });
    if (!budgets.take(namespace, clock.elapsed(), Buffer.byteLength(line))) return false;
    const { lost } = output;
    output.write(line);
    return output.lost === lost;
  };

  return ({ outcome, route }) => {
    if (outcome.kind !== 'token' && outcome.kind !== 'host-token') return;
    const now = clock.elapsed();
    const ofPod = pods.get(outcome.uid) ?? none;
    const known = reportedOf(ofPod, outcome, route);
    // Tens of thousands a second: so far nothing is allocated.
    if (known && now - writtenAt(known, outcome) < againMs) return;
    if (!write(outcome, route, known ? further : first)) return;
    const reported = known ?? newFor(outcome, route);
    // A part of a string keeps the whole one, here the caller's query, in memory.
    reported.resources.set(Buffer.from(resourceIn(reported, outcome)).toString(), now);
    pods.set(outcome.uid, known ? ofPod : [...ofPod, reported].slice(-kept.identitiesOfPod));
  };
}

const none: readonly Reported[] = [];

function newFor({ identity, issued: { clientId } }: Issuance, route: Route['kind']): Reported {
  return { identity, clientId, route, resources: new Map() };
}

function reportedOf(ofPod: readonly Reported[], { identity, issued }: Issuance, route: Route['kind']) {
  for (const one of ofPod)
    if (one.identity === identity && one.clientId === issued.clientId && one.route === route) return one;
  return undefined;
}

function writtenAt(reported: Reported, issuance: Issuance): number {
  return reported.resources.get(resourceIn(reported, issuance)) ?? -Infinity;
}

function resourceIn({ resources }: Reported, { resource }: Issuance): string {
  if (resources.has(resource)) return resource;
  return resource.length <= longestResource && resources.size < separateResources ? resource : '';
}

function fieldsOf(
  { pod, uid, identity, issued: { clientId }, resource, from }: Issuance,
  route: Route['kind'],
) {
  const shown = resource.length > longestResource ? `${resource.slice(0, longestResource)}…` : resource;
  // The AzureIdentity may be changed, and for an exempt pod there is none.
  const client = clientId === undefined ? {} : { client: redactId(clientId) };
  return { pod, uid, identity, ...client, resource: shown, route, from };
}
