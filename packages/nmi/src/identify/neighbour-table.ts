import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Clock } from '@pod-identity/kit/core';
import { parseArpTable, type Neighbour, type NeighbourEntry } from './neighbour.ts';

export interface NeighbourFiles {
  /** /proc/net/arp; '' if it cannot be read. */
  arp(): string;
  /** Of a network device; undefined if it does not exist. */
  indexOf(device: string): string | undefined;
}

export interface NeighbourTable {
  /** From a table that is at most 100 ms old. */
  of(address: string): Neighbour | undefined;
}

/** Between two reads of the table. */
const shortestPauseMs = 100;
/** With more, somebody adds entries on purpose: they are ignored. */
const mostEntries = 4;

/** Reads the table on demand, at most ten times a second. */
export function createNeighbourTable(
  clock: Pick<Clock, 'elapsed'>,
  files: NeighbourFiles = createKernelFiles(),
): NeighbourTable {
  let table: ReadonlyMap<string, readonly NeighbourEntry[]> = new Map();
  let readAt = -Infinity;
  // Device indexes are read only for requested addresses: a node has hundreds of devices.
  const known = new Map<string, Neighbour | undefined>();

  const read = () => {
    readAt = clock.elapsed();
    known.clear();
    table = parseArpTable(files.arp());
  };
  const look = (address: string) => {
    if (!known.has(address)) known.set(address, textOf(table.get(address) ?? [], files));
    return known.get(address);
  };

  return {
    of(address) {
      if (clock.elapsed() >= readAt + shortestPauseMs) read();
      return look(address);
    },
  };
}

function textOf(entries: readonly NeighbourEntry[], files: NeighbourFiles): Neighbour | undefined {
  if (entries.length === 0 || entries.length > mostEntries) return undefined;
  const texts = entries.map(
    ({ linkAddress, device }) => `${linkAddress} ${device} ${files.indexOf(device) ?? 'gone'}`,
  );
  return texts.sort().join(', ');
}

/** About 3,000 entries; Linux keeps 1,024 by default. The kernel walks its whole table for each part that is read. */
const largestTable = 256 * 1024;

/**
 * Only IPv4: the metadata service has no IPv6 address, and the kernel shows IPv6 neighbours only through netlink, which would
 * need a process for each read.
 */
export function createKernelFiles({
  table = '/proc/net/arp',
  devices = '/sys/class/net',
} = {}): NeighbourFiles {
  return {
    arp: () => {
      try {
        return readStart(table, largestTable);
      } catch {
        return '';
      }
    },
    indexOf: (device) => {
      try {
        return readFileSync(`${devices}/${device}/ifindex`, 'latin1').trim();
      } catch {
        return undefined;
      }
    },
  };
}

/** Shared by all reads, which are synchronous; a buffer for each read would be allocated and returned each time. */
const part = Buffer.allocUnsafeSlow(16 * 1024);

/** At most `most` bytes. */
function readStart(path: string, most: number): string {
  const file = openSync(path, 'r');
  try {
    let text = '';
    while (text.length < most) {
      const count = readSync(file, part);
      if (count === 0) break;
      text += part.toString('latin1', 0, count);
    }
    return text;
  } finally {
    closeSync(file);
  }
}
