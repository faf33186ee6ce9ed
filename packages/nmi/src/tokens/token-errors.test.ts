import { expect, it } from 'vitest';
import { redactId, TokenError, withoutIds } from './token-errors.ts';

it('ids are shown by their ends, whatever their case, and the rest of a text as it is', () => {
  const id = '12345678-2222-4333-8444-5555555567ab';
  expect(withoutIds(`tenant ${id}, client ${id.toUpperCase()}; AADSTS1`)).toBe(
    'tenant 1234##### REDACTED #####67ab, client 1234##### REDACTED #####67AB; AADSTS1',
  );
});

it.each([
  ['short', 'short'],
  ['12345678', '12345678'],
  ['123456789', '1234##### REDACTED #####6789'],
])('%s is shown as %s', (id, shown) => {
  expect(redactId(id)).toBe(shown);
});

it('an error keeps what it was caused by', () => {
  const cause = new Error('reset');
  expect(new TokenError('unavailable', 'no', { cause }).cause).toBe(cause);
  expect(new TokenError('unavailable', 'no')).not.toHaveProperty('cause');
});
