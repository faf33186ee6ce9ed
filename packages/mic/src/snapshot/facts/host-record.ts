// The record of a host as text. Deterministic, so that equal records are equal texts. The parser validates everything, since people
// can edit the text.
import {
  canonicalResourceId,
  parseIdentityResourceId,
  parseResourceId,
  type Host,
  type Parsed,
  type ResourceId,
} from '@pod-identity/crd-types';
import {
  rejectionCodes,
  type HostRecord,
  type OwnAttachment,
  type Quarantine,
  type Renewal,
  type Strike,
} from './facts.ts';
import { listAt, memberOf, stringAt } from '../raw-object.ts';

const version = 1;

/** A valid object name for the host's record: readable, and different for different hosts. */
export function recordName(host: Host): string {
  const name = host.id.slice(host.id.lastIndexOf('/') + 1).replace(/[^a-z0-9]+/g, '-');
  return `mic-host-${host.kind}-${name.slice(0, 80)}-${digest(host.id)}`;
}

/** Whether the record contains no more than a missing one. */
export function isEmptyRecord(record: HostRecord): boolean {
  const { ours, renewing, quarantined, strikes, unapplied, notBefore, spentUntil } = record;
  // `accepted` has an effect only together with a strike.
  const entries = ours.size + renewing.size + quarantined.size + strikes.size + unapplied.size;
  return entries === 0 && notBefore === 0 && spentUntil === 0;
}

export function serialiseRecord(record: HostRecord): string {
  const { host, ours, renewing, quarantined, notBefore, subscriptionNotBefore, spentUntil } = record;
  return JSON.stringify({
    version,
    host: { kind: host.kind, id: host.id },
    ours: sorted(ours).map(([id, { since, confirmed, attempts }]) => ({
      id,
      since,
      confirmed,
      ...(attempts !== undefined && { attempts }),
    })),
    // Omitted if empty, so that the usual record is the same as in earlier versions.
    ...(renewing.size > 0 && { renewing: sorted(renewing).map(([id, { since }]) => ({ id, since })) }),
    quarantined: sorted(quarantined).map(([id, { until, failures, code, message }]) => ({
      id,
      until,
      failures,
      code,
      message,
    })),
    notBefore,
    subscriptionNotBefore,
    spentUntil,
    strikes: [...record.strikes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([namespace, strike]) => ({ namespace, ...strike })),
    accepted: sorted(record.accepted).map(([id, until]) => ({ id, until })),
    ...(record.unapplied.size > 0 && { unapplied: [...record.unapplied].sort().map((id) => ({ id })) }),
    ...(record.lateFailures > 0 && { lateFailures: record.lateFailures }),
  });
}

/** Invalid entries are left out; the whole record is refused only if its host is unknown. */
export function parseRecord(text: string): Parsed<HostRecord> {
  const raw = parseJson(text);
  const found = memberOf(raw, 'version');
  if (found !== version)
    return refuse('version', `must be ${version}: this record is damaged or of a newer MIC`);
  const host = parseHost(memberOf(raw, 'host'));
  if (!host) return refuse('host', 'must have a kind (vm or vmss) and an ARM id');
  const ours = readEntries(raw, 'ours', readAttachment);
  return {
    ok: true,
    value: {
      host,
      ours,
      renewing: readEntries(raw, 'renewing', readRenewal),
      quarantined: readEntries(raw, 'quarantined', readQuarantine),
      notBefore: numberAt(raw, 'notBefore') ?? 0,
      subscriptionNotBefore: numberAt(raw, 'subscriptionNotBefore') ?? 0,
      spentUntil: numberAt(raw, 'spentUntil') ?? 0,
      strikes: readStrikes(raw),
      accepted: readEntries(raw, 'accepted', (entry) => numberAt(entry, 'until')),
      unapplied: new Set([
        ...readEntries(raw, 'unapplied', () => true).keys(),
        // Records of earlier versions do not have this list.
        ...[...ours].filter(([, { confirmed }]) => !confirmed).map(([id]) => id),
      ]),
      lateFailures: numberAt(raw, 'lateFailures') ?? 0,
    },
    warnings: [],
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function parseHost(raw: unknown): Host | undefined {
  const kind = oneOf(['vm', 'vmss'] as const, stringAt(raw, 'kind'));
  const id = stringAt(raw, 'id');
  return kind && parseResourceId(id).ok ? { kind, id: canonicalResourceId(id) } : undefined;
}

function readEntries<V>(
  raw: unknown,
  list: string,
  read: (entry: unknown) => V | undefined,
): Map<ResourceId, V> {
  const result = new Map<ResourceId, V>();
  for (const entry of listAt(raw, list)) {
    const id = parseIdentityResourceId(stringAt(entry, 'id'));
    const value = read(entry);
    if (id.ok && value !== undefined) result.set(id.value, value);
  }
  return result;
}

/** Invalid strikes are left out: the namespace is clean then. */
function readStrikes(raw: unknown): Map<string, Strike> {
  const result = new Map<string, Strike>();
  for (const entry of listAt(raw, 'strikes')) {
    const namespace = stringAt(entry, 'namespace');
    const [failedAt, spentUntil] = [numberAt(entry, 'failedAt'), numberAt(entry, 'spentUntil')];
    if (namespace === '' || failedAt === undefined || spentUntil === undefined) continue;
    result.set(namespace, { failedAt, spentUntil, distrusted: memberOf(entry, 'distrusted') === true });
  }
  return result;
}

function readAttachment(raw: unknown): OwnAttachment | undefined {
  const since = numberAt(raw, 'since');
  if (since === undefined) return undefined;
  const attempts = numberAt(raw, 'attempts');
  if (memberOf(raw, 'confirmed') === true) return { since, confirmed: true };
  return { since, confirmed: false, ...(attempts !== undefined && attempts > 1 && { attempts }) };
}

function readRenewal(raw: unknown): Renewal | undefined {
  const since = numberAt(raw, 'since');
  return since === undefined ? undefined : { since };
}

function readQuarantine(raw: unknown): Quarantine | undefined {
  const until = numberAt(raw, 'until');
  if (until === undefined) return undefined;
  return {
    until,
    failures: numberAt(raw, 'failures') ?? 1,
    code: oneOf(rejectionCodes, stringAt(raw, 'code')) ?? 'Unknown',
    message: stringAt(raw, 'message'),
  };
}

function numberAt(raw: unknown, key: string): number | undefined {
  const value = memberOf(raw, key);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function oneOf<T extends string>(all: readonly T[], text: string): T | undefined {
  return all.find((one) => one === text);
}

function refuse(path: string, message: string): Parsed<never> {
  return { ok: false, problems: [{ path, message }] };
}

function sorted<V>(map: ReadonlyMap<ResourceId, V>): [ResourceId, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** 64-bit FNV-1a in hex: hosts with the same name in different groups need different record names. */
function digest(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let position = 0; position < text.length; position += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(position))) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}
