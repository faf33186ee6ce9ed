// A Grafana dashboard from a short description: rows of panels, each with its queries.

export interface Query {
  readonly expr: string;
  /** How the legend names each series, with labels in double braces. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat';
  /** A unit of Grafana. */
  readonly unit: 'short' | 's' | 'bytes' | 'percentunit' | 'reqps' | 'none';
  /** What a reader should know to judge what it shows. */
  readonly description: string;
  readonly queries: readonly Query[];
  /** From this value on the panel is red: of stats alone. */
  readonly redBelow?: number;
  readonly redFrom?: number;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const columns = 24;
const datasource = { type: 'prometheus', uid: '${datasource}' };

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export function dashboardFile(rows: readonly Row[]): string {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: inRow } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: at(0, y),
    });
    y += 1;
    const height = inRow.every(({ kind }) => kind === 'stat') ? 4 : 8;
    const perLine = inRow.every(({ kind }) => kind === 'stat') ? inRow.length : 3;
    inRow.forEach((panel, index) => {
      const w = Math.floor(columns / perLine);
      const place = { x: (index % perLine) * w, y: y + Math.floor(index / perLine) * height, w, h: height };
      panels.push(panelOf(panel, panels.length + 1, place));
    });
    y += Math.ceil(inRow.length / perLine) * height;
  }
  return `${JSON.stringify({ ...frame, panels }, undefined, 2)}\n`;
}

function at(x: number, y: number): Place {
  return { x, y, w: columns, h: 1 };
}

function panelOf(panel: Panel, id: number, gridPos: Place): object {
  const { title, kind: type, description, unit, queries } = panel;
  return {
    id,
    type,
    title,
    description,
    datasource,
    gridPos,
    fieldConfig: { defaults: { unit, ...colours(panel) }, overrides: [] },
    options: type === 'stat' ? statOptions : timeOptions,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource,
      expr,
      legendFormat: legend,
      instant: type === 'stat',
      range: type !== 'stat',
    })),
  };
}

function colours({ redBelow, redFrom }: Panel) {
  if (redBelow !== undefined) return thresholds('red', redBelow, 'green');
  if (redFrom !== undefined) return thresholds('green', redFrom, 'red');
  return { color: { mode: 'palette-classic' } };
}

function thresholds(below: string, value: number, from: string) {
  const steps = [
    { color: below, value: null },
    { color: from, value },
  ];
  return { color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } };
}

const statOptions = {
  colorMode: 'background',
  graphMode: 'none',
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
  textMode: 'auto',
};
const timeOptions = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
  tooltip: { mode: 'multi', sort: 'desc' },
};

const variable = (name: string, label: string, definition: object) => ({ name, label, ...definition });

const frame = {
  uid: 'pod-identity',
  title: 'Pod Identity',
  description: 'Made by tools/monitoring/main.ts: change the panels there.',
  tags: ['pod-identity'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  timezone: '',
  annotations: { list: [] },
  links: [],
  templating: {
    list: [
      variable('datasource', 'Data source', {
        type: 'datasource',
        query: 'prometheus',
        current: {},
        hide: 0,
      }),
      variable('instance', 'NMI', {
        type: 'query',
        datasource,
        query: { query: 'label_values(aadpodidentity_nmi_ready, instance)', refId: 'instances' },
        definition: 'label_values(aadpodidentity_nmi_ready, instance)',
        refresh: 2,
        sort: 1,
        includeAll: true,
        multi: true,
        allValue: '.*',
        current: { text: 'All', value: '$__all' },
        hide: 0,
      }),
    ],
  },
};
