// What the node's kernel says of an address: where packets to it go. A change is a reason to ask; that it is the same
// proves nothing by itself.

/** Link-layer address, device and index of the device, as a text to compare. Of several entries all, in one order. */
export type Neighbour = string;

export interface NeighbourEntry {
  readonly linkAddress: string;
  readonly device: string;
}

/** Nothing said is no change: entries go when they were not used for a while, and many networks keep none. */
export function differs(before: Neighbour | undefined, now: Neighbour | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

/** Whether the same entry means the same pod. Old bridges make the link-layer address from the IP: the next pod has it too. */
export function isTelling(neighbour: Neighbour, address: string): boolean {
  const derived = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return !neighbour.includes(derived.join(':'));
}

const complete = 0x2;

/** Of /proc/net/arp. An address can have an entry on each of several devices. */
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
