// Room: the page of `ui` in the browser: the report, asked for every five seconds, and the story of the pod that is chosen.
// It must not write to the cluster, load from outside, or put what the cluster says into the page other than as text.
import { connect, Denied, type Status } from './client.ts';
import { make } from './elements.ts';
import { createReportView } from './report-view.ts';
import { createStoryView } from './story-view.ts';
import { cleanText } from './text.ts';

const pollMs = 5_000;
const storedToken = 'pod-identity-token';

/** The token leaves the address bar, which is shown to others and kept in the history. */
function readToken(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return sessionStorage.getItem(storedToken) ?? '';
  sessionStorage.setItem(storedToken, token);
  history.replaceState(null, '', location.pathname);
  return token;
}

const client = connect(readToken());
let status: Status | undefined;
let chosen = '';
const read = make('p', {}, 'Reading the cluster …');
const problem = make('p', { class: 'alert', role: 'alert', hidden: '' });
const aside = make('aside', { 'aria-labelledby': 'story', hidden: '' });
const view = createReportView(choose);
const story = createStoryView(aside, client, close);
const main = make('main', {}, view.element, aside);
main.hidden = true;
document.body.append(make('header', {}, make('h1', {}, 'Pod Identity'), read, problem), main);

function choose(pod: string): void {
  chosen = pod;
  draw();
}

function close(): void {
  const row = document.querySelector<HTMLElement>(`th [data-key="${CSS.escape(chosen)}"]`);
  choose('');
  // A row that was chosen is made again.
  if (row !== null)
    document.querySelector<HTMLElement>(`th [data-key="${CSS.escape(row.dataset['key'] ?? '')}"]`)?.focus();
}

function draw(): void {
  if (status === undefined) return;
  const { report } = status;
  view.show(report, chosen);
  story.show(
    chosen,
    report.pods.find(({ pod }) => pod === chosen),
  );
}

function complain(text: string): void {
  problem.textContent = cleanText(text);
  problem.hidden = text === '';
}

let last = '';

async function readStatus(): Promise<void> {
  const { text, readAt } = await client.status();
  const of = status ?? (JSON.parse(text) as Status);
  if (text !== last) {
    status = JSON.parse(text) as Status;
    main.hidden = false;
    draw();
    const wrong = status.report.pods.filter(({ state }) => state === 'problem').length;
    document.title = wrong === 0 ? 'Pod Identity' : `${wrong} with problems, Pod Identity`;
  }
  last = text;
  const { server, namespace, clusterNote } = of;
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
  const when = new Date(readAt).toLocaleTimeString();
  read.textContent = cleanText(
    [`${server}, ${where}`, `read at ${when}`, clusterNote].filter(Boolean).join(' · '),
  );
  complain('');
}

/** A tab that nobody sees asks nothing. */
const seen = (): Promise<unknown> =>
  document.hidden
    ? new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }))
    : Promise.resolve();

async function follow(): Promise<void> {
  for (;;) {
    await seen();
    try {
      await readStatus();
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error));
      if (error instanceof Denied) return;
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && chosen !== '') close();
});
// A new address of the command, opened in the same tab.
addEventListener('hashchange', () => location.reload());
void follow();
