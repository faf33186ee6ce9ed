import type { MetadataFamily, Route } from './routes.ts';

/** What the administrator of a machine gave to it when it was made: scripts and, all too often, passwords. */
export const machineData = ['userdata', 'customdata'] as const;
type MachineData = (typeof machineData)[number];

/** What `--metadata-allow` names. */
export type MetadataPart = MetadataFamily | MachineData;

export const isMachineData = (part: MetadataPart): part is MachineData =>
  machineData.some((each) => each === part);

type MetadataRoute = Extract<Route, { readonly kind: 'metadata' }>;
type Allowed = ReadonlySet<string>;

const place = ['metadata', 'instance', 'compute'];

/** The part that keeps the request from being passed on; undefined when nothing does. */
export function blockedPart({ family, path }: MetadataRoute, allowed: Allowed): MetadataPart | undefined {
  if (!allowed.has(family)) return family;
  if (family !== 'instance') return undefined;
  // Wherever it stands: one that the service has nowhere else loses nothing.
  const segments = path.toLowerCase().split('/');
  return machineData.find((part) => segments.includes(part) && !allowed.has(part));
}

/**
 * The answer without the machine's data, which stands in the answers about all of the machine as well. Undefined when that
 * cannot be told apart: such an answer is not passed on.
 */
export function withoutMachineData(
  { family, path }: MetadataRoute,
  body: Buffer,
  allowed: Allowed,
): Buffer | undefined {
  const hidden = new Set<string>(machineData.filter((part) => !allowed.has(part)));
  if (family !== 'instance' || hidden.size === 0 || !mayContain(path)) return body;
  const text = body.toString('utf8');
  const document = parsed(text);
  if (document === undefined) return isListing(text) ? body : undefined;
  const found: string[] = [];
  const kept = JSON.stringify(document, (name, value: unknown) => {
    if (!hidden.has(name.toLowerCase())) return value;
    found.push(name);
    return undefined;
  });
  return found.length > 0 ? Buffer.from(kept) : body;
}

/** Only what lies above the data: /metadata/instance and /metadata/instance/compute. */
function mayContain(path: string): boolean {
  const segments = path.toLowerCase().split('/').filter(Boolean);
  return segments.length <= place.length && segments.every((segment, at) => segment === place[at]);
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** With format=text the service answers such questions with the names of what lies below. */
function isListing(text: string): boolean {
  return text.split(/\r?\n/).every((line) => /^[A-Za-z]{0,40}\/?$/.test(line));
}
