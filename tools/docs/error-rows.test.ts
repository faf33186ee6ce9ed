import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { errorRows } from './error-rows.ts';
import measured from '../e2e/clients/behaviour.json' with { type: 'json' };
import { originalAnswers } from './original-answers.ts';

const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');
/** By outcome: what its entries have in common, and the entries. */
const sections = page.split(/^### /m).slice(1);

/** What an entry says, or else what the outcome's entries have in common. */
function saidOf(kind: string, situation: string) {
  const section = sections.find((one) => one.startsWith(`\`${kind}\``)) ?? '';
  const [, common = '', ...rest] = section.split('\n\n');
  const [shared, list] = common.startsWith('- ') ? ['', common] : [common, rest.join('')];
  const start = `- **${situation.slice(0, 1).toUpperCase()}${situation.slice(1)}**: `;
  const entry = list.split('\n').find((line) => line.startsWith(start));
  const own = entry?.slice(start.length) ?? 'no entry';
  const either = (form: RegExp) => (form.exec(own) ?? form.exec(shared))?.slice(1);
  return {
    answer: either(/^(\d{3})(?:, Retry-After (\d+(?: to \d+)?))?/),
  };
}

test.each(errorRows)(
  'the page on errors has an entry for $kind, $situation, with the status that NMI returns',
  ({ kind, situation, ours }) => {
    const { answer } = saidOf(kind, situation);
    expect([answer?.[0], answer?.[1] ?? '']).toEqual([String(ours.status), ours.retryAfter]);
  },
);

test('the page on errors has every text of a failure', () => {
  for (const { ours } of errorRows.filter(({ ours: { text } }) => text !== ''))
    expect(page).toContain((JSON.parse(ours.text) as { error_description: string }).error_description);
});

test('every failure is JSON with the two members that SDKs read', () => {
  for (const { kind, ours } of errorRows.filter(({ ours: { text } }) => text !== ''))
    expect([kind, Object.keys(JSON.parse(ours.text) as object)]).toEqual([
      kind,
      ['error', 'error_description'],
    ]);
});

test('the column of the original has a text for every situation, and for no other', () => {
  const situations = errorRows.map(({ situation }) => situation);
  expect([...situations].sort()).toEqual(Object.keys(originalAnswers).sort());
});

/** Status and text of the original, measured by running it. */
const golden: readonly (readonly [situation: string, answer: string])[] = [
  ['the header `Metadata: true` is missing: a probe', '400 `{"error":"invalid_request",'],
  ['the caller has disconnected', '500 `request remote address is empty`'],
  ['the parameter `resource` is missing', '400 `parameter resource cannot be empty`'],
  ['a path or query with characters that are not allowed', '400 `Invalid request`'],
  [
    '`--block-instance-metadata`, or not in `--metadata-allow`',
    '403 `Request blocked by AAD Pod Identity NMI`',
  ],
  ['no pod has the address, after `--caller-hold`', '500 `pod list is empty`'],
  ['two live pods have the address', '500 `failed to match pod IP'],
  [
    'the machine does not have the identity that an exempt pod requests',
    '403 `failed to get service principal token, error:',
  ],
  ['the pod has no label', '404 `getting assigned identities for pod default/web in CREATED state failed'],
  [
    'the pod does not have the requested identity',
    '404 `clientID in request: (the id, shortened), getting assigned identities for pod default/web in CREATED',
  ],
  [
    'the metadata service does not know it within `--hold`',
    '404 `getting assigned identities for pod default/web in CREATED state failed after 16 attempts',
  ],
  [
    'Azure refuses the identity, such as a wrong secret',
    "403 `adal: Refresh request failed. Status Code = '401'",
  ],
  ['Azure returns 429', "403 `adal: Refresh request failed. Status Code = '429'"],
  ['Azure returns 404', "403 `adal: Refresh request failed. Status Code = '404'"],
  ['Azure does not respond, or not with HTTP', '503 with an error text'],
  ['`/host/token` without `podname` and `podns`', "400 `missing 'podname' and 'podns' from request header`"],
  ['`/host/token` is called from outside the node', '500 `request remote address is not from a host`'],
  ['metadata of the machine: no usable response', '500 with an error text'],
];

test.each(golden)('what the original does: %s', (situation, answer) => {
  expect(originalAnswers[situation]?.slice(0, answer.length)).toBe(answer);
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
