import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFakeClock } from '@pod-identity/kit/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { readBootTime } from './boot-time.ts';
import { differs, parseArpTable } from './neighbour.ts';
import { createKernelFiles, createNeighbourTable } from './neighbour-table.ts';

const head = 'IP address       HW type     Flags       HW address            Mask     Device\n';
const entry = (...[address, linkAddress, device, flags = '0x2']: [string, string, string, string?]) =>
  `${address.padEnd(16)} 0x1         ${flags.padEnd(9)}   ${linkAddress}     *        ${device}\n`;

describe('what the kernel says', () => {
  it('is read from its table: whole entries only, all of an address', () => {
    const text =
      head +
      entry('10.0.0.1', 'aa:00:00:00:00:01', 'veth1') +
      entry('10.0.0.1', 'aa:00:00:00:00:02', 'veth2') +
      entry('10.0.0.2', '00:00:00:00:00:00', 'veth3', '0x0') +
      entry('10.0.0.3', 'aa:00:00:00:00:03', 'veth3', '0x6');
    expect([...parseArpTable(text)]).toEqual([
      [
        '10.0.0.1',
        [
          { linkAddress: 'aa:00:00:00:00:01', device: 'veth1' },
          { linkAddress: 'aa:00:00:00:00:02', device: 'veth2' },
        ],
      ],
      ['10.0.0.3', [{ linkAddress: 'aa:00:00:00:00:03', device: 'veth3' }]],
    ]);
  });

  it('has changed only where it said something before and says something now', () => {
    expect([differs('a', 'b'), differs('a', 'a'), differs(undefined, 'a'), differs('a', undefined)]).toEqual([
      ...[true, false, false, false],
    ]);
  });
});

describe('the table', () => {
  const open = () => {
    const clock = createFakeClock();
    const state = { text: head + entry('10.0.0.1', 'aa:00:00:00:00:01', 'veth1'), index: '7', reads: 0 };
    const table = createNeighbourTable(clock, {
      arp: () => {
        state.reads += 1;
        return state.text;
      },
      indexOf: () => state.index,
    });
    return { clock, state, table };
  };

  it('is read ten times a second at most, whoever asks and of whatever address, and never while nobody asks', async () => {
    const { clock, state, table } = open();
    for (let ms = 0; ms < 1_000; ms += 1) {
      for (let n = 0; n < 20; n += 1) table.of(`10.0.0.${n}`);
      await clock.advance(1);
    }
    expect(state.reads).toBe(10);
    await clock.advance(60_000);
    expect(state.reads).toBe(10);
  });

  it('reads the index of a device once for each reading of the table, however often its address calls', async () => {
    const clock = createFakeClock();
    const asked: string[] = [];
    const arp = () => head + entry('10.0.0.1', 'aa:00:00:00:00:01', 'veth1');
    const indexOf = (device: string) => String(asked.push(device));
    const table = createNeighbourTable(clock, { arp, indexOf });
    for (let n = 0; n < 20; n += 1) table.of('10.0.0.1');
    expect(asked).toEqual(['veth1']);
    await clock.advance(100);
    table.of('10.0.0.1');
    expect(asked).toEqual(['veth1', 'veth1']);
  });

  it('tells link-layer address, device and its index: a device of the same name that was made anew is another one', async () => {
    const { clock, state, table } = open();
    expect(table.of('10.0.0.1')).toBe('aa:00:00:00:00:01 veth1 7');
    state.index = '8';
    await clock.advance(100);
    expect(table.of('10.0.0.1')).toBe('aa:00:00:00:00:01 veth1 8');
    expect(table.of('10.0.0.2')).toBeUndefined();
  });

  it('with more entries of an address than a node has reason to keep says nothing of it', () => {
    const { state, table } = open();
    state.text = head;
    for (let n = 0; n < 5; n += 1) state.text += entry('10.0.0.1', `aa:00:00:00:00:0${n}`, `veth${n}`);
    expect(table.of('10.0.0.1')).toBeUndefined();
  });

  it('with several entries of an address says the same of them in any order', async () => {
    const { clock, state, table } = open();
    const entries = [1, 2, 3, 4].map((n) => entry('10.0.0.1', `aa:00:00:00:00:0${n}`, `veth${n}`));
    state.text = head + entries.join('');
    const before = table.of('10.0.0.1');
    expect(before?.split(', ')).toHaveLength(4);
    state.text = head + entries.reverse().join('');
    await clock.advance(100);
    expect(table.of('10.0.0.1')).toBe(before);
  });

  it('passes over a line without a device', () => {
    expect([...parseArpTable('10.0.0.1 0x1 0x2 aa:00:00:00:00:01 *\n')]).toEqual([]);
  });

  it('a device that is gone is told as gone', () => {
    const arp = () => head + entry('10.0.0.1', 'aa:00:00:00:00:01', 'veth1');
    const table = createNeighbourTable(createFakeClock(), { arp, indexOf: () => undefined });
    expect(table.of('10.0.0.1')).toBe('aa:00:00:00:00:01 veth1 gone');
  });
});

describe('the files of the kernel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nmi-neighbours-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const paths = { table: join(folder, 'arp'), devices: join(folder, 'net') };
  mkdirSync(join(paths.devices, 'veth1'), { recursive: true });
  writeFileSync(join(paths.devices, 'veth1', 'ifindex'), '7\n');

  it('tell the entries and the index of each device', () => {
    writeFileSync(paths.table, head + entry('10.0.0.1', 'aa:00:00:00:00:01', 'veth1'));
    const table = createNeighbourTable(createFakeClock(), createKernelFiles(paths));
    expect(table.of('10.0.0.1')).toBe('aa:00:00:00:00:01 veth1 7');
  });

  it('that are not there say nothing', () => {
    const files = createKernelFiles({ table: join(folder, 'none'), devices: folder });
    expect([files.arp(), files.indexOf('veth1')]).toEqual(['', undefined]);
  });

  it('are read from the start, in several parts, whole where they are small', () => {
    const text = Array.from({ length: 1_000 }, (_, n) =>
      entry(`10.0.${n >> 8}.${n & 255}`, 'aa:00:00:00:00:01', 'veth1'),
    ).join('');
    expect(text.length).toBeGreaterThan(32 * 1024);
    writeFileSync(paths.table, text);
    expect(createKernelFiles(paths).arp()).toBe(text);
  });

  const hasProc = existsSync('/proc/net/arp');
  it.runIf(hasProc)('are not read to their end where somebody has filled them, and never stay open', () => {
    writeFileSync(paths.table, 'x'.repeat(1024 * 1024));
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    const files = createKernelFiles(paths);
    for (let n = 0; n < 10; n += 1) expect(files.arp()).toHaveLength(256 * 1024);
    expect(descriptors()).toBe(before);
  });

  it.runIf(hasProc)('of this machine can be read', () => {
    const files = createKernelFiles();
    expect(files.indexOf('lo')).toBe('1');
    expect(files.arp()).toContain('IP address');
    expect(readBootTime()).toBeGreaterThan(0);
  });
});
