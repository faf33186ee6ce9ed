import { expect, it } from 'vitest';
import { removalLines, restoreLines, wantedTables } from './iptables-rules.ts';

const target = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };
const { nat, filter, mangle } = wantedTables(target);
const [prerouting = '', output = ''] = nat.jumps;
const others = '-A PREROUTING -j KUBE-SERVICES';
const listing = (...rules: readonly string[]) => ({ hasChain: true, rules });

it('E27 the chain is the original’s', () => {
  expect(nat.rules).toEqual([
    '-A aad-metadata ! -s 127.0.0.1/32 -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 127.0.0.1:2579',
    '-A aad-metadata -j RETURN',
  ]);
  expect(prerouting).toBe('-A PREROUTING -j aad-metadata');
});

it('W-S3: what was led nowhere is refused, and the loopback addresses stay the node’s own', () => {
  expect([...filter.rules, ...filter.jumps]).toEqual([
    '-A aad-metadata -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -j REJECT --reject-with tcp-reset',
    '-A aad-metadata -s 169.254.169.254/32 -p tcp -m tcp --sport 80 --dport 2578 -j DROP',
    '-A aad-metadata -d 127.0.0.0/8 -m conntrack --ctstate DNAT -j RETURN',
    '-A aad-metadata -d 127.0.0.0/8 -m conntrack --ctdir REPLY -j RETURN',
    '-A aad-metadata -d 127.0.0.0/8 -j DROP',
    '-A INPUT ! -i lo -j aad-metadata',
    '-A FORWARD -j aad-metadata',
    output,
  ]);
  const elsewhere = wantedTables({ ...target, listen: { host: '10.240.0.4', port: 2579 } });
  expect(elsewhere.filter.rules).toHaveLength(2);
});

it('what was led nowhere is marked, so that routing leaves it to the filter to refuse', () => {
  expect([...mangle.rules, ...mangle.jumps]).toEqual([
    '-A aad-metadata -d 169.254.169.254/32 -p tcp -m tcp --dport 80 -m conntrack ! --ctstate NEW,DNAT -j MARK --set-xmark 0x1000/0x1000',
    '-A PREROUTING ! -i lo -j aad-metadata',
  ]);
});

it('makes chain, rules and jumps in one step where there is nothing', () => {
  expect(restoreLines('nat', { hasChain: false, rules: [] }, target)).toEqual([
    '*nat',
    ':aad-metadata - [0:0]',
    ...nat.rules,
    '-I PREROUTING 1 -j aad-metadata',
    '-I OUTPUT 1 -d 169.254.169.254/32 -p tcp -m tcp --sport 2578 --dport 80 -j aad-metadata',
    'COMMIT',
  ]);
});

it('does nothing when all is as wanted, whatever others have behind it', () => {
  expect(restoreLines('nat', listing(prerouting, others, output, ...nat.rules), target)).toEqual([]);
  expect(restoreLines('filter', listing(...filter.jumps, ...filter.rules), target)).toEqual([]);
});

it.each([
  ['a rule is missing', [prerouting, output, ...nat.rules.slice(1)], []],
  ['a rule too many', [prerouting, output, '-A aad-metadata -j ACCEPT', ...nat.rules], []],
  ['the order is wrong', [prerouting, output, ...nat.rules.toReversed()], []],
  [
    'the jump comes second',
    [others, prerouting, output, ...nat.rules],
    ['-D PREROUTING -j aad-metadata', '-I PREROUTING 1 -j aad-metadata'],
  ],
  [
    'the jump is there twice',
    [prerouting, prerouting, output, ...nat.rules],
    ['-D PREROUTING -j aad-metadata', '-D PREROUTING -j aad-metadata', '-I PREROUTING 1 -j aad-metadata'],
  ],
  [
    'the jump is bound to an interface',
    ['-A PREROUTING -i eth0 -j aad-metadata', output, ...nat.rules],
    ['-D PREROUTING -i eth0 -j aad-metadata', '-I PREROUTING 1 -j aad-metadata'],
  ],
])('puts it right when %s', (_, rules, moves) => {
  expect(restoreLines('nat', listing(...rules), target)).toEqual([
    '*nat',
    ':aad-metadata - [0:0]',
    ...nat.rules,
    ...moves,
    'COMMIT',
  ]);
});

it('takes away what is ours and nothing else', () => {
  expect(removalLines('nat', listing(prerouting, others, output, ...nat.rules))).toEqual([
    '*nat',
    '-D PREROUTING -j aad-metadata',
    output.replace('-A', '-D'),
    '-F aad-metadata',
    '-X aad-metadata',
    'COMMIT',
  ]);
  expect(removalLines('nat', { hasChain: false, rules: [others] })).toEqual([]);
});
