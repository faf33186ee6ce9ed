import { expect, it } from 'vitest';
import { readClaims } from './claims.ts';

const jwt = (payload: string) => `h.${Buffer.from(payload).toString('base64url')}.s`;

it.each([
  ['of version 1', '{"appid":"APP","oid":"Object"}', { clientId: 'app', objectId: 'object' }],
  ['of version 2', '{"azp":"APP"}', { clientId: 'app' }],
  ['with both, the one of version 1', '{"azp":"b","appid":"a"}', { clientId: 'a' }],
  ['where one is no text, the other', '{"appid":5,"azp":"b","oid":7}', { clientId: 'b' }],
  ['that are empty', '{"appid":"","oid":""}', {}],
  ['of another kind', '"appid"', {}],
  ['of null', 'null', {}],
  ['that are no JSON', '{', {}],
])('reads claims %s', (_, payload, expected) => {
  expect(readClaims(jwt(payload))).toStrictEqual(expected);
});

it('reads nothing in a token that is no JWT', () => {
  expect([readClaims('opaque'), readClaims('')]).toStrictEqual([{}, {}]);
});
