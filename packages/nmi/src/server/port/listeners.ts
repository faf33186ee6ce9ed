export interface Listener {
  readonly family: 'tcp' | 'tcp6';
  /** As in /proc/net: hexadecimal, in the byte order of the machine. */
  readonly address: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: number;
}

const listening = '0A';

/** The rows of /proc/net/tcp or tcp6 that listen. */
export function parseListeners(table: string, family: Listener['family']): readonly Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , uid, , inode] = line.trim().split(/\s+/);
    if (state !== listening) return [];
    const [address = '', port = ''] = local.split(':');
    return [{ family, address, port: Number.parseInt(port, 16), uid: Number(uid), inode: Number(inode) }];
  });
}

export interface AgentSocket {
  readonly host: string;
  readonly port: number;
  /** The uid of the sockets of all agents. */
  readonly uid: number;
}

/**
 * Sockets on our port: of agents, also our own, once there is one; and of other programs, with another uid, which may receive calls of pods.
 */
export function listenersAt(listeners: readonly Listener[], { host, port, uid }: AgentSocket) {
  const all = listeners.filter((one) => one.port === port && overlaps(one, host));
  return {
    ofAgents: all.filter((one) => one.uid === uid),
    foreign: all.filter((one) => one.uid !== uid),
  };
}

/** A listener on all addresses counts; so does one on IPv6, since the table does not say whether it accepts IPv4. */
function overlaps({ family, address }: Listener, host: string): boolean {
  if (/^0+$/.test(address)) return true;
  const ours = hexOf(host);
  if (ours === undefined || /^0+$/.test(ours)) return true;
  return family === 'tcp' ? address === ours : address === `0000000000000000FFFF0000${ours}`;
}

/** An IPv4 address as a little-endian machine lists it; undefined for anything else. */
function hexOf(host: string): string | undefined {
  const parts = host.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts
    .toReversed()
    .map((part) => part.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
}

export function describeListeners(port: number, foreign: readonly Listener[]): string {
  const named = foreign.map(({ uid, inode }) => `uid ${uid}, socket inode ${inode}`).join('; ');
  return (
    `another program listens on port ${port} and may answer calls of pods (${named}): find it with ` +
    `"ss -ltnpe sport = :${port}" on the node and end it`
  );
}
