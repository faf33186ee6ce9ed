import { RecentMap } from '@pod-identity/kit/core';
import { createRepeatedLine, type LogFormat } from '@pod-identity/kit/serve';
import type { Answered } from '../respond/answered.ts';
import type { Issuance } from '../respond/outcome.ts';
import type { Route } from '../request/routes.ts';
import { redactId } from '../tokens/errors.ts';
import type { TokenOrigin } from '../tokens/source.ts';

export interface AuditOptions {
  readonly format: LogFormat;
  /** Takes a whole line, and its namespace. */
  readonly append: (line: string, namespace: string) => void;
}

/** A copy without the token, which must not be kept here. */
interface Matter {
  readonly pod: string;
  readonly uid: string;
  readonly identity: string;
  readonly clientId: string | undefined;
  readonly resource: string;
  readonly route: Route['kind'];
}

type Line = (time: string) => string;
interface Entry {
  readonly matter: Matter;
  readonly namespace: string;
  readonly lines: Partial<Record<TokenOrigin, Line>>;
}

/** Pods, and recent entries of each. */
const podsKept = 2_000;
const entriesKept = 16;
/** The caller chooses the text. */
const longestResource = 256;

/**
 * Writes one line for each token, cached or not: pod, identity, audience and origin. A node issues tens of thousands of tokens a second,
 * so the text is cached for each pod, identity and resource.
 */
export function createAudit({ format, append }: AuditOptions): (answered: Answered) => void {
  const entries = new RecentMap<string, readonly Entry[]>(podsKept);
  const timeText = createTimeText();

  const entryFor = (issuance: Issuance, route: Route['kind']): Entry => {
    const known = entries.get(issuance.uid);
    if (known) for (const entry of known) if (isAbout(entry.matter, issuance, route)) return entry;
    const [namespace = ''] = issuance.pod.split('/', 1);
    const entry: Entry = { matter: matterOf(issuance, route), namespace, lines: {} };
    entries.set(issuance.uid, [entry, ...(known ?? []).slice(0, entriesKept - 1)]);
    return entry;
  };

  return ({ outcome, route, request, ms }) => {
    if (outcome.kind !== 'token' && outcome.kind !== 'host-token') return;
    const { matter, namespace, lines } = entryFor(outcome, route);
    const line = (lines[outcome.from] ??= lineFor(matter, outcome.from, format));
    append(line(timeText(request.receivedAt + ms)), namespace);
  };
}

function isAbout(matter: Matter, issuance: Issuance, route: Route['kind']): boolean {
  return (
    matter.identity === issuance.identity &&
    matter.resource === issuance.resource &&
    matter.route === route &&
    matter.pod === issuance.pod &&
    matter.clientId === issuance.issued.clientId
  );
}

function matterOf({ pod, uid, identity, resource, issued }: Issuance, route: Route['kind']): Matter {
  return { pod, uid, identity, resource, clientId: issued.clientId, route };
}

function lineFor(matter: Matter, from: TokenOrigin, format: LogFormat): Line {
  const { pod, uid, identity, resource, clientId = '', route } = matter;
  const fields = {
    pod,
    uid,
    identity,
    // For an exempt pod there is no AzureIdentity.
    ...(identity === '' ? { client: redactId(clientId) } : {}),
    resource: resource.length > longestResource ? `${resource.slice(0, longestResource)}…` : resource,
    route,
    from,
  };
  return createRepeatedLine({ format, component: 'nmi', message: 'token issued', fields });
}

/** ISO 8601; cached, since many requests are answered within a millisecond. */
function createTimeText(): (ms: number) => string {
  let last = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms !== last) text = new Date(ms).toISOString();
    last = ms;
    return text;
  };
}
