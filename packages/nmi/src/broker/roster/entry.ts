import { parseMembers } from '../../json.ts';

/** The ConfigMap that names the replicas of the broker, in the broker's namespace. Only the broker may write it. */
export const rosterName = 'broker-replicas';

/** One replica; its key in the ConfigMap is the name of its pod. */
export interface RosterEntry {
  readonly uid: string;
  /** The IP address of its pod. */
  readonly address: string;
  readonly port: number;
  /** As PEM: the one that it presents; for some seconds of a renewal also the next one. */
  readonly certificates: readonly string[];
}

/** Bytes of all entries together, of which an ordinary one has 800. More is not read. */
export const mostRosterBytes = 64 * 1024;
export const mostEntries = 32;
const longestEntry = 4_096;

/** As OpenSSL writes it. */
const certificateBlock =
  /-----BEGIN CERTIFICATE-----\n(?:[A-Za-z0-9+/=]{1,64}\n){1,30}-----END CERTIFICATE-----\n/g;
/** A renewal needs two. */
const mostCertificates = 2;

export function writeEntry({ uid, address, port, certificates }: RosterEntry): string {
  return JSON.stringify({ uid, address, port, certificate: certificates.join('') });
}

/** The entries of the ConfigMap's `data` by the name of their pod, without those that cannot be read. */
export function readEntries(data: unknown): ReadonlyMap<string, RosterEntry> {
  const all = Object.entries(data ?? {}).slice(0, mostEntries);
  const read = all.map(([name, value]: [string, unknown]) => [name, readEntry(value)] as const);
  return new Map(read.filter((one): one is [string, RosterEntry] => one[1] !== undefined));
}

function readEntry(value: unknown): RosterEntry | undefined {
  if (typeof value !== 'string' || value.length > longestEntry) return undefined;
  const { uid, address, port, certificate } = parseMembers(value);
  const certificates = certificatesIn(certificate);
  if (typeof uid !== 'string' || !isReachable(address) || !isPort(port)) return undefined;
  return certificates.length === 0 ? undefined : { uid, address, port, certificates };
}

/** Empty if there is anything else in the text. */
function certificatesIn(text: unknown): readonly string[] {
  if (typeof text !== 'string') return [];
  const blocks = text.match(certificateBlock);
  return blocks && blocks.length <= mostCertificates && blocks.join('') === text ? blocks : [];
}

function isPort(port: unknown): port is number {
  return Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65_535;
}

/** An IP address, which no name server can change, but none that belongs to the node alone, such as that of the metadata service. */
function isReachable(address: unknown): address is string {
  if (typeof address !== 'string') return false;
  // Whatever ends with a number is an IPv4 address, or no host.
  if (/\.\d+$/.test(address)) {
    const isUsual = URL.parse(`https://${address}`)?.hostname === address;
    return isUsual && !/^(0|169\.254|22[4-9]|2[3-5]\d)\./.test(address);
  }
  const url = /^[0-9a-f:]+$/i.test(address) ? URL.parse(`https://[${address}]`) : null;
  return url !== null && !/\[(::\]|::ffff:|fe[89ab]|ff)/.test(url.hostname);
}
