import { expect, it } from 'vitest';
import { callerAddress, isNodeItself } from './peer-address.ts';

it.each([
  ['an IPv4 address as it is', '10.0.0.1', '10.0.0.1'],
  ['a mapped IPv4 address without its prefix', '::ffff:10.0.0.1', '10.0.0.1'],
  ['a mapped address in capitals', '::FFFF:10.0.0.1', '10.0.0.1'],
  ['an IPv6 address in lower case', 'FD00::1A', 'fd00::1a'],
  ['a link-local address without its zone', 'fe80::1%eth0', 'fe80::1'],
  ['nothing for a caller that is gone already', undefined, ''],
])('C55 reads %s', (_, peer, address) => {
  expect(callerAddress(peer)).toBe(address);
});

it.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['127.0.1.10', false],
  ['10.0.0.1', false],
  ['', false],
])('knows whether %s is the node itself', (address, isNode) => {
  expect(isNodeItself(address)).toBe(isNode);
});
