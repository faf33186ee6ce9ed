import { expect, test } from 'vitest';
import { errorRows } from './error-rows.ts';
import measured from '../e2e/clients/behaviour.json' with { type: 'json' };

test('every failure is JSON with the two members that SDKs read', () => {
  for (const { kind, ours } of errorRows.filter(({ ours: { text } }) => text !== ''))
    expect([kind, Object.keys(JSON.parse(ours.text) as object)]).toEqual([
      kind,
      ['error', 'error_description'],
    ]);
});

test('after 400 and 403 every client makes one request, and chains go on as the page says', () => {
  const cells = Object.entries(measured).map(([client, { 400: refused, 403: denied }]) => ({
    client,
    refused,
    denied,
  }));
  expect(cells.filter(({ refused, denied }) => !/^1(,|$)/.test(refused) || !/^1(,|$)/.test(denied))).toEqual(
    [],
  );
  const chains = cells.filter(({ client }) => client.endsWith('DefaultAzureCredential'));
  expect(chains.filter(({ refused }) => !refused.includes('goes on'))).toEqual([]);
  expect(chains.filter(({ denied }) => denied.includes('goes on')).map(({ client }) => client)).toEqual([
    expect.stringMatching(/^@azure\/identity 4/),
    expect.stringMatching(/^azure-identity [\d.]+ \(Python\),/),
  ]);
});
