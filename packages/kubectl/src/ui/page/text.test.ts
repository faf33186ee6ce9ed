import { expect, test } from 'vitest';
import type { PodRow } from '../../judge/report.ts';
import { chainOf, copiedText, filterRows, partsOf } from './text.ts';

const row = (part: Partial<PodRow>): PodRow => ({
  pod: 'shop/web-0',
  serviceAccount: 'web',
  identities: ['shop/reader'],
  host: 'vmss-1',
  node: 'node-1',
  state: 'ok',
  why: '',
  ...part,
});

test('a filter finds each of its words in any column', () => {
  const rows = [row({}), row({ pod: 'pay/till-0', state: 'problem', why: 'no binding has the selector' })];
  const podsOf = (search: string) => filterRows(rows, search).map(({ pod }) => pod);
  expect(podsOf('')).toHaveLength(2);
  expect(podsOf('VMSS READER')).toHaveLength(2);
  expect(podsOf('till selector')).toEqual(['pay/till-0']);
  expect(podsOf('till nothing')).toEqual([]);
  expect(podsOf('problem')).toEqual(['pay/till-0']);
});

test('the chain says what is missing', () => {
  expect(chainOf(row({ bindings: ['shop/b'] }))).toBe(
    'ServiceAccount shop/web → pod shop/web-0 → AzureIdentityBinding shop/b → AzureIdentity shop/reader → host vmss-1',
  );
  expect(chainOf(row({ identities: [], host: '', node: '' }))).toBe(
    'ServiceAccount shop/web → pod shop/web-0 → no AzureIdentityBinding → no AzureIdentity → no host yet',
  );
});

test('a story has its remedies apart, and each remedy once', () => {
  const remedy = { text: 'grant it', command: 'kubectl x' };
  const parts = partsOf([
    { topic: 'result', verdict: 'problem', text: 'no token', remedy },
    { topic: 'label', verdict: 'ok', text: 'label=x' },
    { topic: 'access', verdict: 'problem', text: 'no right', remedy },
  ]);
  expect(parts.faults.map(({ text }) => text)).toEqual(['no token', 'no right']);
  expect(parts.remedies).toEqual([remedy]);
  expect(parts.rest.map(({ text }) => text)).toEqual(['label=x']);
});

test('attack: no control character gets onto the clipboard', () => {
  expect(copiedText('a\tb\r\nc\u001b[2J\u202e\u0000\ud800')).toBe(
    'a\ufffdb\ufffd\nc\ufffd[2J\ufffd\ufffd\ufffd',
  );
});
