// The kernel's neighbour entry for an address: where packets to it are sent. A changed entry is a reason to ask the API server;
// an unchanged one proves nothing.

/** Link-layer address, device and device index of all entries, sorted, as text to compare. */
export type Neighbour = string;

export interface NeighbourEntry {
  readonly linkAddress: string;
  readonly device: string;
}

/** A missing entry is no change: unused entries expire, and many networks have none. */
export function differs(before: Neighbour | undefined, now: Neighbour | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

const complete = 0x2;

/** Parses /proc/net/arp. An address can have entries on several devices. */
export function parseArpTable(text: string): ReadonlyMap<string, readonly NeighbourEntry[]> {
  const table = new Map<string, NeighbourEntry[]>();
  for (const line of text.split('\n')) {
    const [address = '', , flags = '', linkAddress = '', , device = ''] = line.split(/\s+/);
    if (device === '' || (Number(flags) & complete) === 0) continue;
    const entries = table.get(address);
    if (entries) entries.push({ linkAddress, device });
    else table.set(address, [{ linkAddress, device }]);
  }
  return table;
}
