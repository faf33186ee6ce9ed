// The part of docs/errors.md on clients: what was measured of those that tests run, and what is reported of others.
import { chosenColumns, otherColumns, type Column } from '../e2e/clients/behaviour.ts';
import measured from '../e2e/clients/behaviour.json' with { type: 'json' };

const table: Readonly<Record<string, Readonly<Record<string, string>>>> = measured;

const row = (...cells: readonly string[]) => `| ${cells.join(' | ')} |`;

/** The parts of the section. */
export function clientSection(): readonly string[] {
  return [
    '## What programs do with a status',
    'Measured with the clients themselves, unmodified, by `node tools/e2e/clients/measure.ts statuses`. `tools/e2e/scenarios/client-patience.e2e.test.ts` runs them again, in CI too, and compares with these tables. A program asks for one token, and every request is answered at once with the same status. A cell is the number of requests in all, and when they are made: `each 5 s` as `Retry-After` says, `in 7 s` by a schedule of the client’s own (approximate: some pauses are random). `goes on`: the chain of credentials tries the next credential. `no reason`: what the user reads lacks the reason that NMI gave.',
    'The answers of NMI where Azure sent no Retry-After. NMI then sends one of its own; the table was measured with the middle of its range: 13 seconds with 410, 8 with the others, none with 400 and 403.',
    tableOf(chosenColumns),
    'With a `Retry-After` of 4 seconds from Azure, and without the header. NMI always sends the header with these statuses: some clients retry a status only with it, and others give up sooner without it.',
    tableOf(otherColumns),
    'Not run here; what users or other tests reported:',
    reportedTable(),
  ];
}

function tableOf(columns: readonly Column[]): string {
  const titles = columns.map(({ title }) => title);
  const rows = Object.entries(table)
    .filter(([, cells]) => titles.every((title) => title in cells))
    .map(([name, cells]) => row(name, ...titles.map((title) => cells[title] ?? '')));
  return [row('Client, run here', ...titles), row('---', ...titles.map(() => '---')), ...rows].join('\n');
}

const nothing = 'nothing: untested';

const reported: readonly (readonly [client: string, fact: string])[] = [
  ['@azure/identity 2.1 and 4.5', '410 is not repeated'],
  [
    'azidentity 1.6 and 1.14 (Go)',
    'repeats 5 times; with a `Retry-After` of 1 to 5 s it gives up after 5 to 15 s, without one after 98 to 116 s; asked with a client id, a chain ends at 400; gives up a request after 60 s without an answer; `AZURE_POD_IDENTITY_AUTHORITY_HOST` means nothing to it',
  ],
  ['adal (Go)', 'does not look at `Retry-After`, nor at `AZURE_POD_IDENTITY_AUTHORITY_HOST`'],
  ['az 2.74, msrestazure (Python)', 'one request'],
  ['ms-rest-azure, ms-rest-nodeauth (JS)', 'one request'],
  ['google-auth-library', 'shows its user `error` without `error_description`'],
  ['Hadoop ABFS', 'one request, given up after 30 s without an answer'],
  ['Azure.Identity, MSAL (.NET)', nothing],
  ['azure-identity (Java)', nothing],
  ['azure_identity (Rust)', nothing],
];

function reportedTable(): string {
  return [
    row('Client, untested', 'Reported'),
    row('---', '---'),
    ...reported.map((cells) => row(...cells)),
  ].join('\n');
}
