import { expect, it } from 'vitest';
import { tableInput } from './nftables-rules.ts';

const target = { metadata: { host: '169.254.169.254', port: 80 }, listen: { host: '127.0.0.1', port: 2579 } };

it('W-S3: the whole table is replaced in one transaction', () => {
  expect(
    tableInput(target)
      .split('\n')
      .map((line) => line.trim()),
  ).toEqual([
    'table ip aad_pod_identity',
    'delete table ip aad_pod_identity',
    'table ip aad_pod_identity {',
    'chain metadata {',
    'ip saddr != 127.0.0.1 ip daddr 169.254.169.254 tcp dport 80 dnat to 127.0.0.1:2579',
    '}',
    'chain prerouting {',
    'type nat hook prerouting priority -105; policy accept;',
    'jump metadata',
    '}',
    'chain output {',
    'type nat hook output priority -105; policy accept;',
    'tcp sport 2578 jump metadata',
    '}',
    'chain unled {',
    'type filter hook prerouting priority -95; policy accept;',
    'iif != "lo" ip daddr 169.254.169.254 tcp dport 80 meta mark set meta mark | 0x1000',
    '}',
    'chain refuse {',
    'ip daddr 169.254.169.254 tcp dport 80 reject with tcp reset',
    '}',
    'chain loopback {',
    'ct status dnat return',
    'ct direction reply return',
    'drop',
    '}',
    'chain input {',
    'type filter hook input priority -5; policy accept;',
    'iif "lo" accept',
    'jump refuse',
    'ip saddr 169.254.169.254 tcp sport 80 tcp dport 2578 drop',
    'ip daddr 127.0.0.0/8 jump loopback',
    '}',
    'chain forward {',
    'type filter hook forward priority -5; policy accept;',
    'jump refuse',
    '}',
    'chain probe {',
    'type filter hook output priority -5; policy accept;',
    'tcp sport 2578 jump refuse',
    '}',
    '}',
    '',
  ]);
});

it('leaves the loopback addresses alone when the agent listens elsewhere', () => {
  const text = tableInput({ ...target, listen: { host: '10.240.0.4', port: 2579 } });
  expect(text).toContain('dnat to 10.240.0.4:2579');
  expect(text).not.toContain('loopback');
});
