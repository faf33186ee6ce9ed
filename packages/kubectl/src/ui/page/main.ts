// Room: the page of `ui` in the browser: the report, asked for every five seconds, and the story of the pod that is chosen.
// It must not write to the cluster, load from outside, or put what the cluster says into the page other than as text.
import { connect, Denied, type Status } from './client.ts';
import { focusIn, make } from './elements.ts';
import { createReportView } from './report-view.ts';
import { createStoryView } from './story-view.ts';
import { cleanText, messageOf } from './text.ts';

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
let [status, last, chosen]: [Status | undefined, string, string] = [undefined, '', ''];
const read = make('p', {}, 'Reading the cluster …');
const problem = make('p', { class: 'alert', role: 'alert', hidden: '' });
const report = createReportView(choose);
const story = createStoryView(client, close);
const main = make('main', { hidden: '' }, report.element, story.element);
document.body.append(make('header', {}, make('h1', {}, 'Pod Identity'), read, problem), main);

function choose(pod: string): void {
  chosen = pod;
  draw();
}

function close(): void {
  const closed = chosen;
  choose('');
  focusIn(document, closed);
}

function draw(): void {
  if (status === undefined) return;
  const { pods } = status.report;
  report.show(status.report, chosen);
  story.show(
    chosen,
    pods.find(({ pod }) => pod === chosen),
  );
  const wrong = pods.filter(({ state }) => state === 'problem').length;
  document.title = wrong === 0 ? 'Pod Identity' : `${wrong} with problems, Pod Identity`;
}

function complain(text: string): void {
  problem.textContent = cleanText(text);
  problem.hidden = text === '';
}

async function readStatus(): Promise<void> {
  const { text, readAt } = await client.status();
  if (text !== last || status === undefined) {
    [status, last] = [JSON.parse(text) as Status, text];
    main.hidden = false;
    draw();
  }
  const { server, namespace, clusterNote } = status;
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
  const when = `read at ${new Date(readAt).toLocaleTimeString()}`;
  read.textContent = cleanText([`${server}, ${where}`, when, clusterNote].filter(Boolean).join(' · '));
  complain('');
}

/** A tab that nobody sees asks nothing. */
async function untilSeen(): Promise<void> {
  if (!document.hidden) return;
  await new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true }));
}

async function follow(): Promise<void> {
  for (;;) {
    await untilSeen();
    try {
      await readStatus();
    } catch (error) {
      complain(messageOf(error));
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
