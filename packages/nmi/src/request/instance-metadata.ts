import type { MetadataFamily, Route } from './routes.ts';

/** Data that was given to the machine when it was created: scripts and sometimes passwords. */
export const machineData = ['userdata', 'customdata'] as const;
type MachineData = (typeof machineData)[number];

/** What `--metadata-allow` names. */
export type MetadataPart = MetadataFamily | MachineData;

export const isMachineData = (part: MetadataPart): part is MachineData =>
  machineData.some((each) => each === part);

type MetadataRoute = Extract<Route, { readonly kind: 'metadata' }>;
type Allowed = ReadonlySet<string>;

const computePath = ['metadata', 'instance', 'compute'];

/** The part that is not allowed; undefined if all are. */
export function blockedPart({ family, path }: MetadataRoute, allowed: Allowed): MetadataPart | undefined {
  if (!allowed.has(family)) return family;
  if (family !== 'instance') return undefined;
  const segments = path.toLowerCase().split('/');
  return machineData.find((part) => segments.includes(part) && !allowed.has(part));
}

/** The response without userdata and customdata, which responses about the whole machine contain. Undefined if it cannot be parsed. */
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

/** /metadata/instance and /metadata/instance/compute. */
function mayContain(path: string): boolean {
  const segments = path.toLowerCase().split('/').filter(Boolean);
  return (
    segments.length <= computePath.length && segments.every((segment, at) => segment === computePath[at])
  );
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** With format=text the service returns the names of members. */
function isListing(text: string): boolean {
  return text.split(/\r?\n/).every((line) => /^[A-Za-z]{0,40}\/?$/.test(line));
}
