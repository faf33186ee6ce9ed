import { RecentMap } from '@pod-identity/kit/core';
import { createRepeatedLine, type LogFormat } from '@pod-identity/kit/serve';
import type { Answered } from '../respond/answered.ts';
import type { Issuance } from '../respond/outcome.ts';
import type { Route } from '../request/routes.ts';
import { redactId } from '../tokens/errors.ts';
import type { TokenOrigin } from '../tokens/source.ts';

export interface AuditOptions {
  readonly format: LogFormat;
  /** Takes whole lines, and the namespace that each is about. */
  readonly append: (line: string, namespace: string) => void;
}

/** Whom a line is about. A copy: what was issued must not live on in here. */
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
  /** By where the token came from. */
  readonly lines: Partial<Record<TokenOrigin, Line>>;
}

/** Pods remembered, and what each of them asked for lately. */
const podsKept = 2_000;
const entriesKept = 16;
/** A resource is the caller's own text. */
const longestResource = 256;

/**
 * One line for each token given to anybody, cached or not: who, which identity, for which audience, and where it came from.
 * A node gives tens of thousands in a second, so a line is put together once for each pod, identity and resource.
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
    // The machine chose for an exempt pod: no AzureIdentity says which one that is.
    ...(identity === '' ? { client: redactId(clientId) } : {}),
    resource: resource.length > longestResource ? `${resource.slice(0, longestResource)}…` : resource,
    route,
    from,
  };
  return createRepeatedLine({ format, component: 'nmi', message: 'token issued', fields });
}

/** ISO 8601; many requests are answered within a millisecond. */
function createTimeText(): (ms: number) => string {
  let last = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms !== last) text = new Date(ms).toISOString();
    last = ms;
    return text;
  };
}
