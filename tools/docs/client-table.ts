// The section of docs/reference/errors.md on clients: what tests measure, and what is reported of other clients.
import measured from '../e2e/clients/behaviour.json' with { type: 'json' };
import { row, table } from './markdown.ts';

const byClient: Readonly<Record<string, Readonly<Record<string, string>>>> = measured;

/** The parts of the section. */
export function clientSection(): readonly string[] {
  return [
    '## What programs do with a status',
    'After 400 and 403 every client makes one request. A chain of credentials (`DefaultAzureCredential`) tries the next credential after 400, and after 403 with @azure/identity 4 and the sync azure-identity for Python. Otherwise, with the `Retry-After` that NMI sends (5 to 10 seconds, 10 to 15 with 410, unless Azure sent one), one call makes so many requests: `each 8 s` follows `Retry-After`, `in 7 s` is the client’s own schedule, `goes on`: the chain tries the next credential, `no reason`: the user does not see NMI’s text.',
    clientTable(),
    'Measured with unmodified clients (`node tools/e2e/clients/measure.ts statuses`) and compared again in CI; `tools/e2e/clients/behaviour.json` has further statuses, and what they do with another `Retry-After` or none: some retry a status only with it, and others give up sooner without it.',
    'Tried once by hand (pymongo to curl), reported or read in the source (the rest):',
    [...tried, ...reported].map(([client, fact]) => `- ${client}: ${fact}`).join('\n'),
    '`--hold` is 25 s because of Hadoop ABFS. Where it does not run, `--hold=60s` gives programs with one request (`curl`, `wget`, msal for Python, `az`) a token within a minute of the assignment’s start. See [why](../contributor/decisions.md#hold-then-503).',
    '## Why these statuses',
    choices.join('\n'),
  ];
}

/** Those with a schedule of their own; the others are like one of these, or one request. */
const shown = ['404', '410', '429', '500', '503'];

/** Clients that do the same share a row. */
function clientTable(): string {
  const rows = Map.groupBy(Object.entries(byClient), ([, cells]) =>
    row(...shown.map((title) => cells[title] ?? '')),
  );
  return table(
    ['Client', ...shown],
    [...rows].map(([cells, clients]) => `| ${clients.map(([name]) => name).join('; ')} ${cells}`),
  );
}

const tried: readonly (readonly [client: string, fact: string])[] = [
  ['pymongo 4.10.1', 'one request, given up after 5 s without a response; shows the status line'],
  ['mongodb 7.9.0 (Node.js)', 'one request, given up after 10 s without a response; shows the body'],
  [
    'azure-pipelines-tasks-azure-arm-rest 3.272.1 (Azure Pipelines)',
    '503: 5 requests in 52 s; shows the status line',
  ],
  ['rclone 1.60.1', '503: 5 requests in 22 s; shows the status line, its log the body'],
  [
    'GDAL 3.10.3 (`/vsiaz/`)',
    '4 requests at once for a file; shows the status alone, with `CPL_DEBUG=ON` the body',
  ],
  ['wget without `--content-on-error`', 'one request; shows the status line'],
  ['curl `--fail`', 'one request; shows the status alone'],
];

const reported: readonly (readonly [client: string, fact: string])[] = [
  ['@azure/identity 2.1 and 4.5', '410 is not retried'],
  [
    'azidentity 1.6 and 1.14 (Go)',
    'retries 5 times, for 98 to 116 s; with a `Retry-After` of 1 to 5 s for 5 to 15 s; with a client id, a chain ends at 400; gives up a request after 60 s; ignores `AZURE_POD_IDENTITY_AUTHORITY_HOST`',
  ],
  ['adal (Go)', 'ignores `Retry-After` and `AZURE_POD_IDENTITY_AUTHORITY_HOST`'],
  ['az 2.74, msrestazure (Python)', 'one request; az shows `error_description` alone'],
  ['ms-rest-azure, ms-rest-nodeauth (JS)', 'one request'],
  ['google-auth-library', 'shows `error` alone'],
  ['Hadoop ABFS', 'one request, given up after 30 s without a response'],
  ['httpx (Python)', 'one request, given up after 5 s without a response'],
  ['Azure.Identity 1.17, MSAL (.NET), azure-identity (Java)', 'show `error` and `error_description`'],
  [
    'object_store 0.13 (Rust)',
    '4xx: one request, the body is shown; 5xx: up to 10 retries in 3 minutes without regard to `Retry-After`, the status alone is shown',
  ],
  ['azure_identity (Rust)', 'not tested'],
];

const choices = [
  '- **400 for an identity that the pod does not have**, with the words `Identity not found` that SDKs look for: no client retries it, and a chain goes on. A probe’s response never has these words, which some clients read as "no metadata service here". 400 also when NMI cannot use the AzureIdentity: for the program it is missing.',
  '- **403 when Azure refuses the identity**: no client retries it, and a chain should end. Not 401, which requests a login.',
  '- **503 with Retry-After while an assignment is under way**, after a wait: every SDK in the table but msal for Python retries it, and `curl --retry`. 404 (`--not-assigned-status 404`) is retried by fewer, and users read it as "no such identity".',
  '- **410, 429 and 5xx are passed on from Azure**, with its Retry-After: clients have a schedule for each. The original returns 403, which no client retries.',
  '- **Retry-After of 5 to 10 seconds, 10 to 15 for 410, if Azure sent none**: without it @azure/identity does not retry 429, nor the sync azure-identity for Python 404 or 410. Most clients send four to six requests, so this is how long they go on (a 410 lasts 70 seconds at most). Random, so that pods do not retry together.',
  '- **502 for metadata of the machine that is not available**: the fault is behind NMI.',
];
