// Runs in the browser. TypeDoc's search dialog, but with what ranking.ts finds: headings of all prose with the text around the hit.
// TypeDoc's own search ranks whole pages by their names, and shows no text (docs/contributor/decisions.md#site).
/* global document, window */
import { excerpt, find } from './ranking.ts';

document.addEventListener('DOMContentLoaded', () => {
  const field = withoutListeners('tsd-search-input');
  const [results, status] = ['tsd-search-results', 'tsd-search-status'].map((id) =>
    document.getElementById(id),
  );
  const base = document.documentElement.dataset.base;
  const update = () => {
    const found = find(window.siteEntries ?? [], field.value);
    results.replaceChildren(...found.map((entry) => item(entry, base, field.value)));
    const isEmpty = field.value.trim() === '';
    status.textContent =
      isEmpty || found.length > 0
        ? ''
        : window.siteEntries
          ? 'Nothing found.'
          : 'The search is being loaded.';
  };
  field.addEventListener('input', update);
  field.addEventListener('keydown', (event) => move(event, results));
  results.addEventListener('keydown', (event) => move(event, results));
  // A script, since a page that is opened as a file may not fetch another.
  const script = document.createElement('script');
  script.src = `${base}${base.endsWith('/') ? '' : '/'}assets/site-entries.js`;
  script.addEventListener('load', update);
  document
    .getElementById('tsd-search-trigger')
    .addEventListener('click', () => document.head.append(script), {
      once: true,
    });
  document.addEventListener('keydown', () => script.isConnected || document.head.append(script), {
    once: true,
  });
});

/** Removes the listeners of TypeDoc's script from the field. */
function withoutListeners(id) {
  const before = document.getElementById(id);
  const after = before.cloneNode(true);
  before.replaceWith(after);
  return after;
}

function item({ title, page, shelf, url, text }, base, query) {
  const link = Object.assign(document.createElement('a'), {
    href: `${base}${base.endsWith('/') ? '' : '/'}${url}`,
  });
  link.append(
    element('span', 'site-shelf', shelf),
    element('strong', 'site-title', title === page ? title : `${page}: ${title}`),
    element(
      'span',
      'site-excerpt',
      ...excerpt(text, query).map((one) => (one.isHit ? element('mark', '', one.text) : one.text)),
    ),
  );
  return element('li', '', link);
}

function element(name, className, ...content) {
  const made = Object.assign(document.createElement(name), { className });
  made.append(...content);
  return made;
}

/** Arrow keys go from the field through the results, Enter in the field opens the first. */
function move(event, results) {
  const links = [...results.querySelectorAll('a')];
  const at = links.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (event.key === 'Enter' && at < 0) links[0]?.click();
  if (to === undefined) return;
  event.preventDefault();
  (links[to] ?? document.getElementById('tsd-search-input')).focus();
}
