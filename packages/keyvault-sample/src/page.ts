import { createHash } from 'node:crypto';
import { allNames, type SampleConfig } from './config.ts';
import { timeOf, type Entry } from './entry.ts';
import type { Explanation } from './explain.ts';
import type { Identity } from './identity.ts';
import type { Rounds } from './rounds.ts';

type Known = ReturnType<Rounds['known']>;
type Settings = Pick<SampleConfig, 'vaultUrl' | 'isImds'>;

const style = `
:root { color-scheme: light dark; --soft: light-dark(#595959, #b0b0b0); --bad: light-dark(#a4262c, #ff9a9e); --good: light-dark(#0b6a0b, #8fd88f); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: .75rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3, p, dd { font-size: 1rem; margin: .25rem 0; } dd { margin: 0; }
ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr)); align-items: start; }
li, .card { border: 1px solid #8886; border-radius: .5rem; padding: .75rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .5rem; margin: 0; }
dt, .soft { color: var(--soft); }
code { font: .875rem/1.6 ui-monospace, monospace; }
.bad { color: var(--bad); } .good { color: var(--good); }
`;

/** No script, no address but this one, no other site that shows the page in a frame. */
export const pageHeaders = {
  'referrer-policy': 'no-referrer',
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};

/** The page: whose identity this is, and names, versions and expiry of what it reads. Never a value, never a token. */
export function renderPage(settings: Settings, { identity, entries }: Known, now: Date): string {
  const failed = entries.filter(isFailed).length;
  const read = entries.filter(({ object }) => object !== undefined).length;
  const overview = failed > 0 ? `${failed} of ${entries.length} failed` : `${read} of ${entries.length} read`;
  // Failures first.
  const sorted = entries.toSorted((one, other) => Number(isFailed(other)) - Number(isFailed(one)));
  return `<!doctype html>
<html lang="en"><head>
<meta charset="utf-8" /><meta name="viewport" content="width=device-width, initial-scale=1" />
<title>${overview} - keyvault-sample</title>
<style>${style}</style>
</head><body>
<h1>keyvault-sample</h1>
<p class="soft">Vault ${escape(settings.vaultUrl)}</p>
<p class="${failed > 0 ? 'bad' : 'good'}">${overview}</p>
<h2>Identity</h2>
<div class="card">${identityFacts(identity, settings)}</div>
<h2>Secrets, keys and certificates</h2>
<ul role="list">${sorted.map((entry) => card(entry, now)).join('')}</ul>
<p class="soft">As of ${timeOf(now)}. <a href="">Reload</a></p>
</body></html>
`;
}

const isFailed = ({ failure }: Entry): boolean => failure !== undefined;

const escape = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** Those without a text are left out. */
const facts = (texts: Readonly<Record<string, string | undefined>>): string =>
  `<dl>${Object.entries(texts)
    .filter(([, text]) => text !== undefined)
    .map(([term, text = '']) => `<dt>${term}</dt> <dd><code>${escape(text)}</code></dd> `)
    .join('')}</dl>`;

function identityFacts(identity: Identity | undefined, { isImds }: Settings): string {
  const from = isImds ? '@pod-identity/imds-client' : '@azure/identity';
  if (identity === undefined) return `<p>No token yet, from ${from}.</p>`;
  const { resourceId: resource, clientId, objectId, tenantId: tenant } = identity;
  return facts({ resource, 'client id': clientId, 'object id': objectId, tenant, from });
}

function card({ item: { kind, name }, object, failure, versionBefore: before, readAt }: Entry, now: Date) {
  const title = name === allNames ? `all ${kind}s` : `${escape(name)} <span class="soft">${kind}</span>`;
  const known =
    object &&
    facts({
      version: object.version,
      before,
      expires: object.expiresOn === undefined ? 'never' : expiry(object.expiresOn, now),
      state: object.enabled === false ? 'disabled' : undefined,
      read: readAt && timeOf(readAt),
    });
  const waiting = failure === undefined ? `<p>Not read yet.</p>` : '';
  return `<li><h3>${title}</h3> ${known ?? waiting}${failure === undefined ? '' : problem(failure)}</li> `;
}

const problem = ({ sentence, reason, detail = '' }: Explanation): string =>
  `<p class="bad">${escape(sentence)}. [${reason}]</p> <p class="soft">${escape(detail)}</p>`;

function expiry(expiresOn: Date, now: Date): string {
  if (timeOf(expiresOn) === 'unknown') return 'unknown';
  const days = Math.floor((expiresOn.getTime() - now.getTime()) / 86_400_000);
  return `${timeOf(expiresOn)} (${days < 0 ? 'expired' : `${days < 30 ? 'soon: ' : ''}in ${days} days`})`;
}
