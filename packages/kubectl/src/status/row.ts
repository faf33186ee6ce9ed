import type { Table } from '../print/table.ts';

export type State = 'ok' | 'waiting' | 'problem' | 'unknown';

/** One thing of the table. */
export interface Row {
  readonly kind: 'mic' | 'nmi' | 'broker' | 'agent' | 'host' | 'identity' | 'binding' | 'pod';
  /** Empty for hosts. */
  readonly namespace: string;
  readonly name: string;
  readonly state: State;
  /** In words: what it has, or why it waits. */
  readonly about: string;
  readonly node?: string;
  readonly version?: string;
}

export interface Status {
  readonly rows: readonly Row[];
  /** What may not be read, in words. */
  readonly unknown: readonly string[];
  /** Identities, bindings and pods were all read. */
  readonly isComplete: boolean;
}

const kinds: readonly Row['kind'][] = ['mic', 'nmi', 'broker', 'agent', 'host', 'identity', 'binding', 'pod'];
const states: readonly State[] = ['problem', 'waiting', 'unknown', 'ok'];
const isService = ({ kind }: Row) => kind === 'mic' || kind === 'nmi' || kind === 'broker';

/** The services, and of the rest what is not as it should be; `all`: everything. */
export function statusTable(rows: readonly Row[], all: boolean): Table {
  return {
    columns: [
      { name: 'KIND' },
      { name: 'NAMESPACE' },
      { name: 'NAME' },
      { name: 'STATE' },
      { name: 'NODE', isWide: true },
      { name: 'VERSION', isWide: true },
      { name: 'ABOUT' },
    ],
    rows: sortRows(rows)
      .filter((row) => all || isService(row) || row.state !== 'ok')
      .map(({ kind, namespace, name, state, node = '', version = '', about }) => [
        kind,
        namespace,
        name,
        state,
        node,
        version,
        about,
      ]),
  };
}

/** By kind, then what needs action first. */
export function sortRows(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted(
    (a, b) =>
      kinds.indexOf(a.kind) - kinds.indexOf(b.kind) ||
      states.indexOf(a.state) - states.indexOf(b.state) ||
      `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`, 'en'),
  );
}

export interface Count {
  readonly kind: Row['kind'];
  readonly total: number;
  readonly states: Readonly<Partial<Record<State, number>>>;
}

export function countsOf(rows: readonly Row[]): readonly Count[] {
  return kinds.flatMap((kind) => {
    const own = rows.filter((row) => row.kind === kind);
    if (own.length === 0) return [];
    const counted = states.map((state) => [state, own.filter((row) => row.state === state).length] as const);
    return [
      { kind, total: own.length, states: Object.fromEntries(counted.filter(([, count]) => count > 0)) },
    ];
  });
}

const plurals: Readonly<Record<Row['kind'], readonly [string, string]>> = {
  mic: ['MIC', 'MICs'],
  nmi: ['NMI', 'NMIs'],
  broker: ['broker', 'brokers'],
  agent: ['agent', 'agents'],
  host: ['host', 'hosts'],
  identity: ['identity', 'identities'],
  binding: ['binding', 'bindings'],
  pod: ['pod', 'pods'],
};

/** `3 agents (1 problem, 2 ok), 1 pod (1 ok)` */
export function countLine(rows: readonly Row[]): string {
  return countsOf(rows.filter((row) => !isService(row)))
    .map(({ kind, total, states: counted }) => {
      const parts = Object.entries(counted).map(([state, count]) => `${count} ${state}`);
      return `${total} ${plurals[kind][total === 1 ? 0 : 1]} (${parts.join(', ')})`;
    })
    .join(', ');
}
