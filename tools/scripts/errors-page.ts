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
    'Failures are JSON, `{"error": …, "error_description": …}`, as the metadata service writes them: SDKs take text for a broken network. In `error` the reason follows the metadata service’s word after a colon, because azure-identity for Python and google-auth-library show their users nothing else; `--exact-errors` leaves it out. The answer to a probe, which has no header `Metadata`, is the metadata service’s own in both cases. The statuses are chosen so that programs do the right thing without being changed: what may pass is repeated, what does not is told at once, with the remedy in the description.',
    '## Outcomes',
    'Each line is answered by the code that serves pods. `Retry-After` is in seconds; where Azure said one, it is passed on (7 stands for it here), else it is a number of the range by chance. Then what `--compat-errors` answers: text, with a line break at its end; but for that of a missing header, which is JSON in the original, too. The last column is what the original (1.8.17) itself does there: `--compat-errors` gives its statuses and texts for outcomes that ours has, but not its behaviour.',
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
  '`--compat-errors=status` answers the same statuses and Retry-After as `--compat-errors`, in JSON with our reasons. `--compat-errors` alone breaks msal-node and msal for Python, which cannot read text; NMI says so at start. With either, azidentity asks for 100 s where the status is 404 or 500 and there is no Retry-After. A failure that may pass (429, 404, 410 or 5xx of the metadata service, or no answer) is asked again within `--hold`, each time at the cost of the pod’s share of questions, then told as 503 or 429 with Retry-After; the original asked again, too, and made 403 of it, which no SDK repeats.',
  'With `--not-assigned-status 404` a pending identity is 404 instead of 503. With `--compat-errors --set-retry-after-header` what is 404 for a pod here is 503 with `Retry-After: 20`. In managed mode the original’s text is `no azure identity found for request clientID …`. When a selector was given, its text begins with `clientID in request: …, `, the id shortened.',
  'Left out of the original’s texts: the list of the pods that share an address, and the URL with the client id of a refused question.',
];

const choices = [
  '## Why these',
  [
    '- **400 for an identity that the pod does not have**, with the words `Identity not found` that SDKs look for: nobody repeats it, and a chain of credentials goes on to the next one. On a probe (no `Metadata` header) those words never stand: some clients take them for "no metadata service here".',
    '- **403 when Azure refuses the identity** (a wrong secret, an application that was deleted): nobody repeats it. The identity was chosen on purpose: the older @azure/identity and the async azure-identity for Python end a chain of credentials with this text, while @azure/identity 4 and the sync one go on at any refusal. 401 is not used: it would ask for a login.',
    '- **400 when the AzureIdentity cannot be served as it is written**: for the program it is the same as an identity that is not there.',
    '- **503 with Retry-After while an assignment is under way**, after a hold: every SDK but msal for Python repeats it, and so does curl when it may repeat at all. 404 is repeated as well, by the older @azure/identity for 3 s only and by curl not at all, and says to people that there is nothing (`--not-assigned-status 404`).',
    '- **410, 429 and 5xx as Azure said them**, with its Retry-After: clients have a schedule of their own for each (msal-node and @azure/identity for 410). The original makes them 403, which nobody repeats. Where Azure told no time, NMI chooses one: without it @azure/identity does not repeat 429, the sync azure-identity for Python neither 404 nor 410. Most clients wait as it says and ask four to six times, so a longer time is more patience: with 5 to 10 seconds they hold out for 15 to 50, with 410, which Azure says to last 70 seconds at most, with 10 to 15 for 30 to 75.',
    '- **Retry-After of 5 to 10 seconds, and of 10 to 15 for 410, where Azure told none**: SDKs ask three to five times and wait as long as they are told each time, so 1 second made azidentity give up after 5 instead of 98 and azure-identity for Python after 5 instead of 24; without the header @azure/identity 4 does not repeat 429, and azure-identity for Python does not repeat 410. It differs from answer to answer, so that pods that failed together do not come back together.',
    '- **502 for metadata of the machine that cannot be had**: that answer is not about tokens, and tells whose fault it is.',
  ].join('\n'),
  '## Requests',
  [
    '- Names of parameters compare without case; a name that is given twice, in whatever case, is refused, so that no two readers can choose differently. Any `api-version` will do, and none.',
    '- An empty selector (`client_id=`) is one that was left out: SDKs send it when a variable is not set.',
    '- `Host` may be missing, an address with or without port, `localhost`, or a name of `--allow-host`. A second `Host` header makes the request a bad one. The request line may have the whole address (`GET http://169.254.169.254/metadata/…`, RFC 9112, 3.2.2); its host is judged in the same way, and `Host` besides.',
    '- What is sent on to the metadata service has a path of letters, digits, `-`, `_` and `/`, in one spelling, and a query as RFC 3986 has it, without encoded control characters. Of the answer come back the status, the body, Content-Type and Retry-After.',
  ].join('\n'),
];
