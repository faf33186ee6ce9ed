import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Clock } from '@pod-identity/kit/core';
import { parseArpTable, type Neighbour, type NeighbourEntry } from './neighbour.ts';

/** The door to what the kernel tells in files. */
export interface NeighbourFiles {
  /** /proc/net/arp; '' where it cannot be read. */
  arp(): string;
  /** Of a network device; undefined when it is gone. */
  indexOf(device: string): string | undefined;
}

export interface NeighbourTable {
  /** By a reading that is 100 ms old at most. */
  of(address: string): Neighbour | undefined;
  /** By a reading that was begun at this time or later, as `Clock.elapsed` counts. */
  since(address: string, moment: number): Promise<Neighbour | undefined>;
}

/** Between two readings, whoever calls and however often. */
const shortestPauseMs = 100;
/** More is the work of somebody who adds entries: nothing is concluded from them. */
const mostEntries = 4;

/** Reads when somebody calls, at most ten times a second; while nobody does, never. */
export function createNeighbourTable(
  clock: Pick<Clock, 'elapsed' | 'sleep'>,
  files: NeighbourFiles = createKernelFiles(),
): NeighbourTable {
  let table: ReadonlyMap<string, readonly NeighbourEntry[]> = new Map();
  let readAt = -Infinity;
  // Indexes are read for the addresses that are asked for only: a node has hundreds of devices.
  const said = new Map<string, Neighbour | undefined>();

  const pauseMs = () => Math.max(0, readAt + shortestPauseMs - clock.elapsed());
  const read = () => {
    readAt = clock.elapsed();
    said.clear();
    table = parseArpTable(files.arp());
  };
  const look = (address: string) => {
    if (!said.has(address)) said.set(address, textOf(table.get(address) ?? [], files));
    return said.get(address);
  };

  return {
    of(address) {
      if (pauseMs() === 0) read();
      return look(address);
    },
    async since(address, moment) {
      while (readAt < moment) {
        const wait = pauseMs();
        if (wait > 0) await clock.sleep(wait);
        else read();
      }
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

/** Some 3,000 entries; Linux keeps 1,024 unless told otherwise. The kernel walks its whole table for each part that is read. */
const largestTable = 256 * 1024;

/**
 * IPv4 alone: the metadata service has no other address, and what the kernel knows of IPv6 it tells through netlink only, which
 * would be a process for each reading.
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

/** For all readings, which are made at once: a new one for each is memory that the process gets from the kernel and returns. */
const part = Buffer.allocUnsafeSlow(16 * 1024);

/** The rest is not read, whoever fills the table. */
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
