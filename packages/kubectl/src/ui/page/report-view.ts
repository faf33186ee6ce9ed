// The list of causes, the table of pods, services, and what is not known.
import { stateCounts } from '../../judge/causes.ts';
import type { Cause, PodRow, Report } from '../../judge/report.ts';
import { breakable, button, createList, make, mark, remedyView, type Item } from './elements.ts';
import { count, filterRows } from './text.ts';

const fewCauses = 10;
/** Of pods that a cause names. */
const fewPods = 5;
/** Thousands hold up the page. */
const fewRows = 100;

export interface ReportView {
  readonly element: HTMLElement;
  /** `chosen`: a pod; empty: none. */
  show(report: Report, chosen: string): void;
}

type Choose = (pod: string) => void;

export function createReportView(choose: Choose): ReportView {
  const parts = [createCauses(choose), createPods(choose), createServices()];
  return {
    element: make('div', { class: 'report' }, ...parts.map(({ element }) => element)),
    show(report, chosen) {
      for (const part of parts) part.show(report, chosen);
    },
  };
}

function createCauses(choose: Choose): ReportView {
  const [title, body] = [make('h2'), make('ul', { class: 'causes' })];
  const list = createList(body, fewCauses);
  return {
    element: make('section', {}, title, body, list.more),
    show({ causes }) {
      title.textContent = causes.length === 0 ? 'Nothing is wrong' : `Causes: ${causes.length}`;
      list.show(causes.map((cause) => causeItem(cause, choose)));
    },
  };
}

function causeItem(cause: Cause, choose: Choose): Item {
  const { key, state, text, actor, pods, remedy } = cause;
  const who = actor === 'nobody' ? 'nobody must act: it ends by itself' : `${actor} must act`;
  const open = (pod: string) =>
    button(pod, () => choose(pod), { class: 'link', 'data-key': `${key} ${pod}` });
  const create = () =>
    make(
      'li',
      { class: state },
      make('p', {}, mark(state), ' ', make('strong', {}, text)),
      make(
        'p',
        { class: 'soft' },
        pods.length === 0 ? who : `${who} · ${count(pods.length, 'pod')}: `,
        ...pods.slice(0, fewPods).map(open),
        pods.length > fewPods ? ` and ${pods.length - fewPods} more` : undefined,
      ),
      remedy && remedyView(remedy),
    );
  return { key, content: cause, make: create };
}

const columns = ['Pod', 'ServiceAccount', 'Identity', 'Host', 'State', 'Why'];

function createPods(choose: Choose): ReportView {
  let [shown, chosen]: [readonly PodRow[], string] = [[], ''];
  const [title, body, summary] = [make('h2'), make('tbody'), make('span', { role: 'status' })];
  const list = createList(body, fewRows);
  const draw = (): void => {
    const rows = filterRows(shown, search.value);
    title.textContent = `Pods: ${shown.length}`;
    summary.textContent = search.value === '' ? stateCounts(rows) : `${rows.length} match`;
    list.show(rows.map((row) => rowItem(row, row.pod === chosen, choose)));
  };
  const search = make('input', { type: 'search', id: 'search', input: draw });
  const head = columns.map((name) => make('th', { scope: 'col' }, name));
  return {
    element: make(
      'section',
      {},
      title,
      make('p', { class: 'controls' }, make('label', { for: 'search' }, 'Filter'), search, summary),
      make('table', {}, make('thead', {}, make('tr', {}, ...head)), body),
      list.more,
    ),
    show({ pods }, pod) {
      [shown, chosen] = [pods, pod];
      draw();
    },
  };
}

function rowItem(row: PodRow, isChosen: boolean, choose: Choose): Item {
  const { pod, serviceAccount, identities, host, state, why } = row;
  const create = () => {
    const attributes = { class: 'link', 'data-key': pod, 'aria-expanded': String(isChosen) };
    return make(
      'tr',
      isChosen ? { class: 'chosen' } : {},
      make(
        'th',
        { scope: 'row' },
        button(pod, () => choose(pod), attributes),
      ),
      make('td', { 'data-label': 'ServiceAccount ' }, serviceAccount),
      make('td', { 'data-label': 'identity ' }, ...breakable(identities.join(', ') || '–')),
      make('td', { 'data-label': 'host ' }, host || '–'),
      make('td', {}, mark(state)),
      make('td', {}, why),
    );
  };
  return { key: pod, content: [row, isChosen], make: create };
}

function createServices(): ReportView {
  const body = make('ul');
  const list = createList(body, fewRows);
  return {
    element: make('section', {}, make('h2', {}, 'Services, and what is not known'), body, list.more),
    show: ({ services, unknown }) =>
      list.show([
        ...services.map(({ kind, namespace, name, state, version, text }) => {
          const words = [kind, name && `${namespace}/${name}`, version].filter(Boolean);
          return lineItem(state, `${words.join(' ')}: ${text}`);
        }),
        ...unknown.map((text) => lineItem('unknown', text)),
      ]),
  };
}

const lineItem = (state: string, text: string): Item => ({
  key: `${state} ${text}`,
  content: text,
  make: () => make('li', {}, mark(state), ` ${text}`),
});
