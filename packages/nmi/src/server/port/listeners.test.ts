import { describe, expect, it } from 'vitest';
import { describeListeners, listenersAt, parseListeners } from './listeners.ts';

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (
  ...[local, state, uid, inode, remote = '00000000:0000']: readonly [string, string, number, number, string?]
) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 ff 100 0 0 10 0`;
const place = { host: '127.0.0.1', port: 2579, uid: 42_579 };
const port = '0A13';
const foreign = (rows: readonly string[], at = place, family: 'tcp' | 'tcp6' = 'tcp') =>
  listenersAt(parseListeners([head, ...rows, ''].join('\n'), family), at).foreign.map(({ inode }) => inode);

describe('who else listens on our port', () => {
  it('nobody but agents, which have our uid', () => {
    expect(
      foreign([row(`0100007F:${port}`, '0A', 42_579, 11), row(`0100007F:${port}`, '0A', 42_579, 12)]),
    ).toEqual([]);
  });

  it('a program of another uid, on our address or on all', () => {
    const rows = [row(`0100007F:${port}`, '0A', 0, 11), row(`00000000:${port}`, '0A', 1000, 12)];
    expect(foreign(rows)).toEqual([11, 12]);
  });

  it('not one on another port or address, nor a connection', () => {
    const rows = [
      row('0100007F:0A14', '0A', 0, 11),
      row(`0400000A:${port}`, '0A', 0, 12),
      row(`0100007F:${port}`, '01', 0, 13, '0200090A:A000'),
    ];
    expect(foreign(rows)).toEqual([]);
  });

  it('every address counts where we listen on all', () => {
    expect(foreign([row(`0400000A:${port}`, '0A', 0, 12)], { ...place, host: '0.0.0.0' })).toEqual([12]);
  });

  it('of IPv6 one on all addresses, and one on ours as IPv6 writes it', () => {
    const rows = [
      row(`${'0'.repeat(32)}:${port}`, '0A', 0, 11, `${'0'.repeat(32)}:0000`),
      row(`0000000000000000FFFF00000100007F:${port}`, '0A', 0, 12, `${'0'.repeat(32)}:0000`),
      row(`00000000000000000000000001000000:${port}`, '0A', 0, 13, `${'0'.repeat(32)}:0000`),
    ];
    expect(foreign(rows, place, 'tcp6')).toEqual([11, 12]);
  });

  it('is named by uid and inode', () => {
    const [one] = parseListeners(row(`0100007F:${port}`, '0A', 33, 4711), 'tcp');
    expect(describeListeners(2579, one ? [one] : [])).toContain('uid 33, socket inode 4711');
  });
});

it('an agent serves the node if a socket of our uid listens where we would', () => {
  const serves = (...rows: readonly string[]) =>
    listenersAt(parseListeners([head, ...rows, ''].join('\n'), 'tcp'), place).ofAgents.length > 0;
  expect(serves(row(`0100007F:${port}`, '0A', 42_579, 11))).toBe(true);
  // Of another uid; that has ended and drains; on another port.
  expect(serves(row(`0100007F:${port}`, '0A', 0, 11))).toBe(false);
  expect(serves(row(`0100007F:${port}`, '01', 42_579, 11, '0200090A:A000'))).toBe(false);
  expect(serves(row('0100007F:0A14', '0A', 42_579, 11))).toBe(false);
});
