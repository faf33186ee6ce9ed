import type { CredentialName } from './config.ts';
import type { Explanation } from './explain.ts';
import type { Identity } from './identity.ts';
import { hasTime, subjectOf, type Item, type VaultObject } from './vault-object.ts';

/** What is known of one object. */
export interface Entry {
  readonly item: Item;
  /** The newest version, as of the last successful read. */
  readonly object?: VaultObject;
  readonly readAt?: Date;
  /** The version before, if this program saw it. */
  readonly versionBefore?: string | undefined;
  /** Of the last read, if it failed. */
  readonly failure?: Explanation;
  /** Of a list: what is not read of it. */
  readonly note?: string;
}

/** What the web page shows. */
export interface Status {
  readonly vaultUrl: string;
  readonly credential: CredentialName;
  /** Of the last token. */
  readonly identity: Identity | undefined;
  readonly entries: readonly Entry[];
  /** When the running or last round began; undefined before the first. */
  readonly roundBegan: Date | undefined;
  readonly isReading: boolean;
}

export type Outcome = { readonly object: VaultObject } | { readonly failure: Explanation };

export interface Told {
  readonly entry: Entry;
  /** For the log: versions, never values. */
  readonly lines: readonly string[];
}

/** The entry after a read, and what to say about the read. */
export function afterRead(before: Entry, outcome: Outcome, now: Date): Told {
  const { item } = before;
  const subject = subjectOf(item);
  if ('failure' in outcome) {
    const { problem, remedy, command, reason, detail } = outcome.failure;
    const text = [
      `could not read ${subject}: ${problem}. ${remedy}. [${reason}]`,
      ...(command === undefined ? [] : [`Command: ${command.join(' ')}`]),
      ...(detail === undefined ? [] : [`Details: ${detail}`]),
    ];
    return {
      entry: { ...before, failure: outcome.failure },
      lines: [text.join(' ')],
    };
  }
  const { object } = outcome;
  const versionBefore = before.object?.version;
  const isRotated = versionBefore !== undefined && versionBefore !== object.version;
  return {
    entry: { item, object, readAt: now, versionBefore: isRotated ? versionBefore : before.versionBefore },
    lines: [
      ...(isRotated ? [`${subject} was rotated: version ${object.version} replaces ${versionBefore}`] : []),
      `read ${subject}, version ${object.version}${expiryText(object)}`,
    ],
  };
}

function expiryText({ expiresOn }: VaultObject): string {
  if (expiresOn === undefined) return '';
  return hasTime(expiresOn) ? `, expires ${expiresOn.toISOString()}` : ', expiry unknown';
}

/** For the log, when the identity is another than before. */
export function identityLine(before: Identity | undefined, now: Identity): string | undefined {
  const { clientId, objectId, tenantId, resourceId } = now;
  if (before?.objectId === objectId && before.clientId === clientId) return undefined;
  const managed = resourceId === undefined ? '' : `, resource id ${resourceId}`;
  return `runs as client id ${clientId}, object id ${objectId}, tenant ${tenantId}${managed}`;
}

export interface Health {
  readonly ok: boolean;
  readonly text: string;
}

/**
 * Whether the process works. A vault that refuses reads does not count: a restart would not help. A round that does not end does.
 */
export function healthOf(
  { roundBegan, isReading }: Status,
  { now, longestRoundMs }: { readonly now: Date; readonly longestRoundMs: number },
): Health {
  const ageMs = roundBegan === undefined ? 0 : now.getTime() - roundBegan.getTime();
  if (!isReading || ageMs <= longestRoundMs) return { ok: true, text: 'ok' };
  return { ok: false, text: `a round of reads has not ended for ${Math.round(ageMs / 1000)} s` };
}
