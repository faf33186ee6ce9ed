import { allNames, type Item } from './config.ts';
import type { Explanation } from './explain.ts';
import type { VaultObject } from './vault.ts';

/** What is known of one object, or of a list that failed. */
export interface Entry {
  readonly item: Item;
  /** The newest version, as of the last successful read. */
  readonly object?: VaultObject;
  readonly readAt?: Date;
  /** The version before, if this program saw it. */
  readonly versionBefore?: string | undefined;
  /** Of the last read, if it failed. */
  readonly failure?: Explanation;
}

export const nameOf = ({ kind, name }: Item): string =>
  name === allNames ? `list of ${kind}s` : `${kind} ${name}`;

/** The entry after a read, and lines for the log: versions, never values. */
export function afterRead({ item, object: before, versionBefore }: Entry, object: VaultObject, readAt: Date) {
  const { version, expiresOn } = object;
  const expiry = expiresOn === undefined ? '' : `, expires ${timeOf(expiresOn)}`;
  const lines = [`read ${nameOf(item)}, version ${version}${expiry}`];
  const entry: Entry = { item, object, readAt, versionBefore };
  if (before === undefined || before.version === version) return { entry, lines };
  lines.unshift(`${nameOf(item)} was rotated: version ${version} replaces ${before.version}`);
  return { entry: { ...entry, versionBefore: before.version }, lines };
}

/** 2027-01-31 12:00 UTC. A vault can send a time that no Date can have. */
export const timeOf = (date: Date): string =>
  Number.isNaN(date.getTime()) ? 'unknown' : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
