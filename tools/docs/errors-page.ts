// The text of docs/errors.md around the table of outcomes.
import { clientSection } from './client-table.ts';
import { errorRows, type ErrorRow } from './error-rows.ts';

const row = (...cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const code = (text: string) => (text === '' ? '' : `\`${text}\``);

/** The parts of the page. */
export function errorsPage(): readonly string[] {
  return [
    '# What NMI answers',
    'Failures are JSON, `{"error": …, "error_description": …}`, as the metadata service writes them, because SDKs treat a body of plain text as a network failure. In `error` the reason follows the metadata service’s word after a colon, because azure-identity for Python and google-auth-library show their users no other field; `--exact-errors` leaves the reason out. The answer to a probe (a request without the header `Metadata`) is the metadata service’s own in both cases. The statuses are chosen so that unmodified programs do the right thing: they retry what may pass, and fail at once on what does not, with the remedy in the description.',
    '## Outcomes',
    'Each row is made by the code that answers pods. `Retry-After` is in seconds: what Azure sent is passed on (7 in this table); where Azure sent none, NMI takes a random number of the range shown. The next two columns are what `--compat-errors` answers: text that ends in a line break, except for the missing header, where the original answers JSON too. The last column is what the original (1.8.17) does: `--compat-errors` copies its statuses and texts for the outcomes that NMI has, not its behaviour.',
    outcomeTable(),
    ...notes,
    ...clientSection(),
    ...choices,
  ];
}

function outcomeTable(): string {
  return [
    row('Outcome', 'Situation', 'Status', 'Body', 'Retry-After', '`--compat-errors`', 'Its text', 'Original'),
    row('---', '---', '---', '---', '---', '---', '---', '---'),
    ...errorRows.map(outcomeRow),
  ].join('\n');
}

function outcomeRow({ kind, situation, ours, compat, original }: ErrorRow): string {
  return row(
    code(kind),
    situation,
    String(ours.status),
    code(ours.text),
    ours.retryAfter,
    String(compat.status) + (compat.retryAfter === '' ? '' : `, Retry-After ${compat.retryAfter}`),
    code(compat.text),
    original,
  );
}

const notes = [
  'A token is the same in both modes: `access_token`, `client_id`, `expires_in`, `expires_on`, `ext_expires_in`, `not_before`, `resource`, `token_type`, all of them strings, with Content-Length. The tokens of auxiliary tenants (`spec.auxiliaryTenantIDs`) are in a member `auxiliary_tokens` of the object, each with its `tenant_id`; with `--compat-errors` (not `=status`) they make the answer a list, the primary tenant’s token first, as in the original. `/host/token` answers `{"token": {…}, "clientid": "…"}`.',
  '`--compat-errors=status` returns the same statuses and Retry-After as `--compat-errors`, in JSON with our reasons. `--compat-errors` alone breaks msal-node and msal for Python, which cannot parse text; NMI logs a warning at its start. With either, azidentity retries for 100 s where the status is 404 or 500 and there is no Retry-After. A failure that may pass (429, 404, 410 or 5xx of the metadata service, or no answer) is retried within `--hold`; each retry counts against the pod’s share of questions. After that the pod gets 503 or 429 with Retry-After. The original retried as well and then returned 403, which no SDK retries.',
  'With `--not-assigned-status 404` a pending identity is 404 instead of 503. With `--compat-errors --set-retry-after-header` a pod gets 503 with `Retry-After: 20` where the table says 404. In managed mode the original’s text is `no azure identity found for request clientID …`. When a selector was given, its text begins with `clientID in request: …, `, the id shortened.',
  'Left out of the original’s texts: the list of the pods that share an address, and the URL with the client id of a refused question.',
];

const choices = [
  '## Why these',
  [
    '- **400 for an identity that the pod does not have**, with the words `Identity not found` that SDKs look for: no client retries it, and a chain of credentials tries the next one. The answer to a probe (no `Metadata` header) never has these words: some clients read them as "no metadata service here".',
    '- **403 when Azure refuses the identity** (a wrong secret, an application that was deleted): no client retries it. The program asked for this identity, so a chain of credentials should end here: with this text the older @azure/identity and the async azure-identity for Python do, while @azure/identity 4 and the sync one try the next credential after any refusal. 401 is not used: it would ask for a login.',
    '- **400 when the AzureIdentity cannot be served as it is written**: for the program it is the same as an identity that is not there.',
    '- **503 with Retry-After while an assignment is under way**, after a hold: every SDK in the table but msal for Python retries it, and so does `curl --retry`. 404 (`--not-assigned-status 404`) is retried too, but by the older @azure/identity for 3 s only and by curl not at all, and people read it as "there is no such identity".',
    '- **410, 429 and 5xx are passed on from Azure**, with Azure’s Retry-After: clients have a schedule of their own for each (msal-node and @azure/identity for 410). The original makes them 403, which no client retries.',
    '- **Retry-After of 5 to 10 seconds, and of 10 to 15 for 410, where Azure sent none**: without the header @azure/identity does not retry 429, and the sync azure-identity for Python retries neither 404 nor 410. Most clients wait as it says and ask four to six times, so a longer time makes them hold out longer: for 15 to 50 seconds with 5 to 10, and for 30 to 75 with 10 to 15 (a 410 lasts 70 seconds at most, by Azure’s documentation). With 1 second azidentity gave up after 5 instead of 98, the async azure-identity for Python after 5 instead of 24. It differs from answer to answer, so that pods that failed together do not come back together.',
    '- **502 for metadata of the machine that cannot be had**: the answer is not about tokens, and 502 says that the fault is behind NMI.',
  ].join('\n'),
  '## Requests',
  [
    '- Names of parameters compare without case; a name that is given twice, in whatever case, is refused, so that no two readers can choose differently. Any `api-version` is accepted, and none is needed.',
    '- An empty selector (`client_id=`) counts as none: SDKs send it when a variable is not set.',
    '- `Host` may be missing, an address with or without port, `localhost`, or a name of `--allow-host`. A second `Host` header makes the request a bad one. The request line may have the whole address (`GET http://169.254.169.254/metadata/…`, RFC 9112, 3.2.2); its host is judged in the same way, and `Host` besides.',
    '- What is sent on to the metadata service has a path of letters, digits, `-`, `_` and `/`, in one spelling, and a query as in RFC 3986, without encoded control characters. Status, body, Content-Type and Retry-After of the answer are returned; other headers are dropped.',
  ].join('\n'),
];
