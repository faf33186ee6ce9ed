import { createHash } from 'node:crypto';
import type { CredentialName } from './config.ts';
import type { Explanation } from './explain.ts';
import { html, nothing, type Html } from './html.ts';
import type { Identity } from './identity.ts';
import type { Entry, Status } from './status.ts';
import { allNames, hasTime, subjectOf, type Item, type VaultObject } from './vault-object.ts';

const style = `
:root { color-scheme: light dark; --line: #8886; --soft: light-dark(#595959, #b0b0b0); --bad: light-dark(#a4262c, #ff9a9e); --good: light-dark(#0b6a0b, #8fd88f); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: .75rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0 0 .25rem; }
p { margin: .25rem 0; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); align-items: start; }
li, .card { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .5rem; margin: 0; }
dt, .soft { color: var(--soft); }
dd { margin: 0; }
code, pre { font: .875rem/1.6 ui-monospace, monospace; }
pre { margin: .25rem 0; white-space: pre-wrap; }
footer { margin-top: 1rem; }
.ids { grid-template-columns: 1fr; }
.ids dd { margin-bottom: .25rem; }
@media (min-width: 40rem) { .ids { grid-template-columns: max-content 1fr; } }
.bad { color: var(--bad); }
.good { color: var(--good); }
`;

const styleElement: Html = { html: `<style>${style}</style>` };

/** No script, no address but this one, no other site that shows the page in a frame. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};

/** The page: whose identity this is, and names, versions and expiry of what it reads. Never a value, never a token. */
export function renderPage(status: Status, now: Date): string {
  const { vaultUrl, entries } = status;
  const overview = overviewOf(entries);
  // Failures first.
  const sorted = entries.toSorted((one, other) => Number(isFailed(other)) - Number(isFailed(one)));
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${overview} - keyvault-sample</title>
        ${styleElement}
      </head>
      <body>
        <header>
          <h1>keyvault-sample</h1>
          <p class="soft">Vault ${vaultUrl}</p>
          <p class="${entries.some(isFailed) ? 'bad' : 'good'}" id="overview">${overview}</p>
        </header>
        <main>
          <h2>Identity</h2>
          ${identityCard(status)}
          <h2>Secrets, keys and certificates</h2>
          <ul role="list">
            ${sorted.map((entry) => entryCard(entry, { now, first: firstLike(entry, sorted) }))}
          </ul>
        </main>
        <footer>
          <p class="soft">As of ${utc(now)}. <a href="">Reload</a></p>
        </footer>
      </body>
    </html> `.html;
}

const isFailed = ({ failure }: Entry): boolean => failure !== undefined;

function overviewOf(all: readonly Entry[]): string {
  const entries = all.filter(({ note }) => note === undefined);
  const failed = entries.filter(isFailed).length;
  if (failed > 0) return `${failed} of ${entries.length} failed`;
  const read = entries.filter(({ object }) => object !== undefined).length;
  return `${read} of ${entries.length} read`;
}

const credentialTexts: Readonly<Record<CredentialName, string>> = {
  default: 'DefaultAzureCredential of @azure/identity',
  imds: 'createImdsCredential of @pod-identity/imds-client',
};

function identityCard({ identity, credential }: Status): Html {
  const source = credentialTexts[credential];
  if (identity === undefined)
    return html`<div class="card" id="identity"><p>No token yet, from ${source}.</p></div> `;
  return html`<div class="card" id="identity">
    <dl class="ids">
      ${identityRows(identity).map(
        ([term, value]) =>
          html`<dt>${term}</dt>
            <dd><code>${value}</code></dd> `,
      )}
      <dt>from</dt>
      <dd>${source}</dd>
    </dl>
  </div> `;
}

function identityRows({
  resourceId,
  clientId,
  objectId,
  tenantId,
}: Identity): readonly (readonly [string, string])[] {
  return [
    ...(resourceId === undefined
      ? []
      : ([
          ['name', resourceId.split('/').at(-1) ?? ''],
          ['resource id', resourceId],
        ] as const)),
    ['client id', clientId],
    ['object id', objectId],
    ['tenant', tenantId],
  ];
}

/** The first entry with the same problem and remedy: without an identity each read fails alike. */
const firstLike = ({ failure }: Entry, sorted: readonly Entry[]): Entry | undefined =>
  sorted.find(
    (one) =>
      failure !== undefined &&
      one.failure?.problem === failure.problem &&
      one.failure.remedy === failure.remedy &&
      one.failure.detail === failure.detail,
  );

interface Around {
  readonly now: Date;
  readonly first: Entry | undefined;
}

function entryCard(entry: Entry, { now, first = entry }: Around): Html {
  const { item, object, failure, note } = entry;
  const isWaiting = object === undefined && failure === undefined;
  const title =
    item.name === allNames
      ? html`all ${item.kind}s <span class="soft">list</span>`
      : html`${item.name} <span class="soft">${item.kind}</span>`;
  return html`<li>
    <h3>${title}</h3>
    ${object === undefined ? nothing : objectFacts(object, entry, now)}${failure === undefined ? nothing : problemOf(failure, first === entry ? undefined : first.item)}${isWaiting ? html`<p>${note ?? 'Not read yet'}.</p> ` : nothing}
  </li> `;
}

function objectFacts({ version, expiresOn, enabled }: VaultObject, entry: Entry, now: Date): Html {
  const { versionBefore, readAt } = entry;
  return html`<dl>
    <dt>version</dt>
    <dd><code>${version}</code></dd>
    ${
      versionBefore === undefined
        ? nothing
        : html`<dt>before</dt>
            <dd><code>${versionBefore}</code></dd> `
    }
    <dt>expires</dt>
    <dd>${expiry(expiresOn, now)}</dd>
    ${
      enabled
        ? nothing
        : html`<dt>state</dt>
            <dd class="bad">disabled</dd> `
    }
    <dt>read</dt>
    <dd>${readAt === undefined ? 'never' : utc(readAt)}</dd>
  </dl> `;
}

function problemOf({ problem, reason, remedy, command, detail }: Explanation, like: Item | undefined): Html {
  if (like !== undefined)
    return html`<p class="bad">${problem}. [${reason}]</p>
      <p>The same as for ${subjectOf(like)} above.</p> `;
  return html`<p class="bad">${problem}. [${reason}]</p>
    <p>${remedy}.</p>
    ${command === undefined ? nothing : html`<pre>${command.join(' \\\n  ')}</pre> `}
    ${detail === undefined ? nothing : html`<p class="soft">${detail}</p> `}`;
}

const dayMs = 24 * 60 * 60 * 1000;

function expiry(expiresOn: Date | undefined, now: Date): Html {
  if (expiresOn === undefined) return html`never`;
  if (!hasTime(expiresOn)) return html`unknown`;
  const days = Math.floor((expiresOn.getTime() - now.getTime()) / dayMs);
  const date = utc(expiresOn);
  if (days < 0) return html`<span class="bad">${date} (expired)</span>`;
  if (days < 30) return html`<span class="bad">${date} (soon: in ${days} days)</span>`;
  return html`<span class="good">${date} (in ${days} days)</span>`;
}

/** 2027-01-31 12:00 UTC. */
const utc = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
