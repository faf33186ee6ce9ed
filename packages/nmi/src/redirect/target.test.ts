import { expect, it } from 'vitest';
import { leadsToLoopback, targetOf } from './target.ts';

const metadata = { host: '169.254.169.254', port: 80 };
const of = (host: string, port = 2579, service = metadata) =>
  targetOf({ metadata: service, listen: { host, port } });

it.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['0.0.0.0', '127.0.0.1', true],
  ['::', '127.0.0.1', true],
  ['10.240.0.4', '10.240.0.4', false],
])('a listener on %s is reached by %s', (host, reached, isLoopback) => {
  const target = of(host);
  if (typeof target === 'string') throw new Error(target);
  expect(target).toEqual({ metadata, listen: { host: reached, port: 2579 } });
  expect(leadsToLoopback(target)).toBe(isLoopback);
});

it.each([
  ['--nmi-listen-address ::1 is not an IPv4', of('::1')],
  ['--nmi-listen-address node7 is not an IPv4', of('node7')],
  ['--nmi-listen-address 1.2.3.400 is not an IPv4', of('1.2.3.400')],
  ['--metadata-ip fd00::1 is not an IPv4', of('127.0.0.1', 2579, { host: 'fd00::1', port: 80 })],
  ['--nmi-port 0', of('127.0.0.1', 0)],
  ['use --interception bind-address', of('169.254.169.254')],
])('says what no rule can do: %s', (problem, target) => {
  expect(target).toContain(problem);
});
