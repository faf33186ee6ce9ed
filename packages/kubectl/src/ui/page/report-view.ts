// The list of causes, the table of pods, services, and what is not known.
import type { Cause, PodRow, Report } from '../../judge/report.ts';
import { breakable, button, createList, make, mark, remedyView, type Item } from './elements.ts';
import { count, filterRows, states, type Filter } from './text.ts';

/** Of causes, at first and with each press of a button. */
const fewCauses = 10;
/** Of pods that a cause names. */
const fewPods = 5;
/** A table of thousands of rows holds up the page. */
const rowsPerPage = 200;

export interface ReportView {
  readonly element: HTMLElement;
  show(report: Report, chosen: string): void;
}

export function createReportView(choose: (pod: string) => void): ReportView {
  let [shown, chosen]: [Report?, string?] = [];
  let filter: Filter = { search: '', state: '' };
  let [mostCauses, page] = [fewCauses, 0];
  const causes = make('ul', { class: 'causes' });
  const services = make('ul');
  const body = make('tbody');
  const [setCauses, setServices, setRows] = [createList(causes), createList(services), createList(body)];
  const more = button('', () => ((mostCauses += fewCauses), draw()));
  const [causesTitle, podsTitle] = [make('h2'), make('h2')];
  const summary = make('span', { role: 'status' });
  const turn = (by: number) => () => ((page += by), draw(), podsTitle.scrollIntoView());
  const [previous, next] = [button('Previous', turn(-1)), button('Next', turn(1))];
  const changeFilter = (part: Partial<Filter>): void => {
    [filter, page] = [{ ...filter, ...part }, 0];
    draw();
  };
  const search = make('input', { type: 'search', id: 'search', placeholder: 'name, identity, host, reason' });
  search.addEventListener('input', () => changeFilter({ search: search.value }));
  const select = make('select', { id: 'state' }, make('option', { value: '' }, 'all states'));
  select.append(...states.map((state) => make('option', { value: state }, state)));
  select.addEventListener('change', () =>
    changeFilter({ state: states.find((state) => state === select.value) ?? '' }),
  );
  const columns = ['Pod', 'ServiceAccount', 'Identity', 'Host', 'State', 'Why'];
  const head = make('tr', {}, ...columns.map((name) => make('th', { scope: 'col' }, name)));

  function draw(): void {
    if (shown === undefined) return;
    const report = shown;
    const rows = filterRows(report.pods, filter);
    const pages = Math.max(1, Math.ceil(rows.length / rowsPerPage));
    page = Math.min(page, pages - 1);
    causesTitle.textContent =
      report.causes.length === 0 ? 'Nothing is wrong' : `Causes: ${report.causes.length}`;
    setCauses(report.causes.slice(0, mostCauses).map((cause) => causeItem(cause, choose)));
    const hidden = report.causes.length - mostCauses;
    more.hidden = hidden <= 0;
    more.textContent = `Show more causes (${hidden} are not shown)`;
    podsTitle.textContent = `Pods: ${report.pods.length}`;
    setRows(
      rows
        .slice(page * rowsPerPage, (page + 1) * rowsPerPage)
        .map((row) => rowItem(row, row.pod === chosen, choose)),
    );
    previous.hidden = next.hidden = pages === 1;
    [previous.disabled, next.disabled] = [page === 0, page === pages - 1];
    summary.textContent =
      `${rows.length === report.pods.length ? stateCounts(rows) : `${rows.length} match`}` +
      (pages === 1 ? '' : ` · page ${page + 1} of ${pages}`);
    setServices(serviceItems(report));
  }
  return {
    element: make(
      'div',
      { class: 'report' },
      make('section', {}, causesTitle, causes, more),
      make(
        'section',
        {},
        podsTitle,
        make(
          'div',
          { class: 'controls' },
          make('label', { for: 'search' }, 'Filter'),
          search,
          make('label', { for: 'state' }, 'State'),
          select,
          summary,
          previous,
          next,
        ),
        make('table', {}, make('thead', {}, head), body),
      ),
      make('section', {}, make('h2', {}, 'Services, and what is not known'), services),
    ),
    show(report, pod) {
      [shown, chosen] = [report, pod];
      draw();
    },
  };
}

const stateCounts = (rows: readonly PodRow[]): string =>
  states
    .map((state) => [rows.filter((row) => row.state === state).length, state] as const)
    .flatMap(([number, state]) => (number === 0 ? [] : [`${number} ${state}`]))
    .join(', ');

function causeItem(cause: Cause, choose: (pod: string) => void): Item {
  const { key, state, text, actor, pods, remedy } = cause;
  const create = () =>
    make(
      'li',
      { class: state },
      make('p', {}, mark(state), ' ', make('strong', {}, text)),
      make(
        'p',
        { class: 'soft' },
        [
          ...(pods.length === 0 ? [] : [count(pods.length, 'pod')]),
          actor === 'nobody' ? 'nobody must act: it ends by itself' : `${actor} must act`,
        ].join(' · '),
        pods.length === 0 ? undefined : ': ',
        ...pods
          .slice(0, fewPods)
          .map((pod) => button(pod, () => choose(pod), { class: 'link', 'data-key': `${key} ${pod}` })),
        pods.length > fewPods ? ` and ${pods.length - fewPods} more` : undefined,
      ),
      remedy === undefined ? undefined : remedyView(remedy),
    );
  return { key, content: cause, make: create };
}

function rowItem(row: PodRow, isChosen: boolean, choose: (pod: string) => void): Item {
  const { pod, serviceAccount, identities, host, state, why } = row;
  const open = button(pod, () => choose(pod), {
    class: 'link',
    'data-key': pod,
    'aria-expanded': String(isChosen),
  });
  const create = () =>
    make(
      'tr',
      isChosen ? { class: 'chosen' } : {},
      make('th', { scope: 'row' }, open),
      make('td', {}, ...breakable(serviceAccount)),
      make('td', {}, ...breakable(identities.join(', '))),
      make('td', {}, host),
      make('td', {}, mark(state)),
      make('td', {}, why),
    );
  return { key: pod, content: [row, isChosen], make: create };
}

const serviceItems = ({ services, unknown }: Report): readonly Item[] =>
  [
    ...services.map(({ kind, namespace, name, state, version, text }) => {
      const where = name === '' ? '' : ` ${namespace}/${name}`;
      return [state, `${kind}${where}${version === '' ? '' : ` ${version}`}: ${text}`] as const;
    }),
    ...unknown.map((text) => ['unknown', text] as const),
  ].map(([state, text]) => ({
    key: text,
    content: state,
    make: () => make('li', {}, mark(state), ` ${text}`),
  }));
