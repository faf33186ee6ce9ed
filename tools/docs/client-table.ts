// The section of docs/reference/errors.md on clients: what tests measure, and what is reported of other clients.
import { chosenColumns, otherColumns, type Column } from '../e2e/clients/behaviour.ts';
import measured from '../e2e/clients/behaviour.json' with { type: 'json' };
import { row, table } from './markdown.ts';

const byClient: Readonly<Record<string, Readonly<Record<string, string>>>> = measured;

/** The parts of the section. */
export function clientSection(): readonly string[] {
  return [
    '## What programs do with a status',
    'Measured with the clients themselves, unmodified, by `node tools/e2e/clients/measure.ts statuses`. `tools/e2e/scenarios/client-patience.real.test.ts` runs them again, in CI too, and compares with these tables. A program requests one token, and every request gets the same status at once. A cell has the total number of requests and their times: `each 5 s` follows `Retry-After`, `in 7 s` follows the client’s own schedule (approximate: some pauses are random). `goes on`: the chain of credentials tries the next credential. `no reason`: the message for the user lacks NMI’s reason.',
    'Responses of NMI if Azure sent no Retry-After. NMI then sends its own; the table was measured with the middle of its range: 13 seconds with 410, 8 with the others, none with 400 and 403.',
    tableOf(chosenColumns),
    'With a `Retry-After` of 4 seconds from Azure, and without the header. NMI always sends the header with these statuses: some clients retry a status only with it, and others give up sooner without it.',
    tableOf(otherColumns),
    'Tried once by hand, against a server with another text in each part of the response (400 and 503, no Retry-After):',
    table(
      ['Client, tried', 'Requests', 'What its user sees'],
      tried.map((cells) => row(...cells)),
    ),
    'Not run here; reported by users or other tests, or read in the source:',
    reportedTable(),
    '`--hold` is 25 s because of Hadoop ABFS. Where it does not run, `--hold=60s` gives programs with one request (`curl`, `wget`, `requests` and msal for Python, `az`) a token within a minute of the assignment’s start. A client that hangs up sooner (mongodb, httpx, `curl -m 10`) gets nothing the first time: NMI keeps the time after which it hung up for ten minutes, and responds to the next requests of its pod one second before. `node tools/e2e/clients/measure.ts pending`, `missing`, `rights` and `hang-ups` print what clients make of that, and of identities, bindings and rights that come late ([decision 8](../contributor/decisions/0008-pending-status.md)).',
  ];
}

function tableOf(columns: readonly Column[]): string {
  const titles = columns.map(({ title }) => title);
  const rows = Object.entries(byClient)
    .filter(([, cells]) => titles.every((title) => title in cells))
    .map(([name, cells]) => row(name, ...titles.map((title) => cells[title] ?? '')));
  return table(['Client, run here', ...titles], rows);
}

const tried: readonly (readonly [client: string, requests: string, shown: string])[] = [
  ['pymongo 4.10.1', '1; given up after 5 s without a response (read)', 'the status line'],
  ['mongodb 7.9.0 (Node.js)', '1; given up after 10 s without a response (read)', 'the body'],
  [
    'azure-pipelines-tasks-azure-arm-rest 3.272.1 (Azure Pipelines)',
    '400: 1; 503: 5 in 52 s',
    'the status line',
  ],
  ['rclone 1.60.1', '400: 1; 503: 5 in 22 s', 'the status line; its log has the body'],
  [
    'GDAL 3.10.3 (`/vsiaz/`)',
    '4 at once for a file that is opened',
    'the status alone; with `CPL_DEBUG=ON` the body',
  ],
  ['wget without `--content-on-error`', '1', 'the status line'],
  ['curl `--fail`', '1', 'the status alone'],
];

const reported: readonly (readonly [client: string, fact: string])[] = [
  ['@azure/identity 2.1 and 4.5', '410 is not retried'],
  [
    'azidentity 1.6 and 1.14 (Go)',
    'retries 5 times; with a `Retry-After` of 1 to 5 s it gives up after 5 to 15 s, without one after 98 to 116 s; with a client id, a chain ends at 400; gives up a request after 60 s without a response; ignores `AZURE_POD_IDENTITY_AUTHORITY_HOST`',
  ],
  ['adal (Go)', 'ignores `Retry-After` and `AZURE_POD_IDENTITY_AUTHORITY_HOST`'],
  ['az 2.74, msrestazure (Python)', 'one request; az shows the user `error_description` alone'],
  ['ms-rest-azure, ms-rest-nodeauth (JS)', 'one request'],
  ['google-auth-library', 'shows the user `error` without `error_description`'],
  ['Hadoop ABFS', 'one request, given up after 30 s without a response'],
  ['httpx (Python)', 'one request, given up after 5 s without a response'],
  [
    'Azure.Identity 1.17, MSAL (.NET), azure-identity (Java)',
    'show the user `error` and `error_description`',
  ],
  [
    'object_store 0.13 (Rust)',
    '4xx: one request, and the body is shown; 5xx: up to 10 retries within 3 minutes without regard to `Retry-After`, and the status alone is shown',
  ],
  ['azure_identity (Rust)', 'nothing: not tested'],
];

function reportedTable(): string {
  return table(
    ['Client, untested', 'Reported'],
    reported.map((cells) => row(...cells)),
  );
}
