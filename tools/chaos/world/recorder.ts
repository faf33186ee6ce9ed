// Records what happens in the simulator and to the processes, for the judges.
import type { JournalEntry, Sim } from '@pod-identity/sim';
import { parseLine } from '../../stage/service.ts';
import type {
  AddressChange,
  Ask,
  AzureEvent,
  Disturbance,
  ErrorLine,
  Exit,
  History,
  KubeObject,
  Note,
  ObjectChange,
  Patch,
  Resources,
  Standstill,
  Strike,
  Write,
} from '../judge/history.ts';

export interface Recorder {
  note(what: string): void;
  address(address: string, pod: string | undefined): void;
  ask(ask: Ask): void;
  azure(event: DistributedOmit<AzureEvent>): void;
  exit(exit: Omit<Exit, 'at'>): void;
  line(service: string, line: string): void;
  resources(found: Omit<Resources, 'at'>): void;
  /** Begins a fault; the returned function is called when it is overcome. */
  fault(kind: string): () => void;
  /** Begins a disturbance; the returned function ends it. */
  disturbance(kind: string): () => void;
  woke(component: string): void;
  /** A fault is over, and has struck so often. */
  struck(kind: string, hits: number): void;
  /** Copies the journals, which have a limited size. */
  drain(): void;
  history(): History;
}

type DistributedOmit<T> = T extends unknown ? Omit<T, 'at'> : never;

const watched = new Set([
  ...['pods', 'leases', 'configmaps', 'events', 'azureidentities', 'azureidentitybindings'],
  ...['azurepodidentityexceptions', 'azureassignedidentities', 'clusterrolebindings'],
]);

/** The name of a MIC in its user agent. */
const micAgent = /\bmic-\d+$/;

const emptyLists = () => ({
  changes: [] as ObjectChange[],
  addresses: [] as AddressChange[],
  asks: [] as Ask[],
  writes: [] as Write[],
  patches: [] as Patch[],
  azure: [] as AzureEvent[],
  exits: [] as Exit[],
  standstills: [] as Standstill[],
  notes: [] as Note[],
  strikes: [] as Strike[],
  errors: [] as ErrorLine[],
  resources: [] as Resources[],
  faults: [] as Disturbance[],
  disturbances: [] as Disturbance[],
});

export function createRecorder(now: () => number): Recorder & { attach(sim: Sim): void } {
  const lists = emptyLists();
  const startedAt = now();
  const lineCounts = new Map<string, number>();
  const begin = (list: Disturbance[]) => (kind: string) => {
    const one = { kind, startedAt: now(), endedAt: Infinity };
    list.push(one);
    return () => (one.endedAt = now());
  };
  let drain = (): void => undefined;
  return {
    attach: (sim) => {
      recordChanges(sim, lists.changes, now);
      drain = createDrain(sim, lists);
    },
    note: (what) => lists.notes.push({ at: now(), what }),
    address: (address, pod) => lists.addresses.push({ at: now(), address, pod }),
    ask: (ask) => lists.asks.push(ask),
    azure: (event) => lists.azure.push({ at: now(), ...event }),
    exit: (exit) => lists.exits.push({ at: now(), ...exit }),
    line: (service, line) => {
      const { level, msg } = parseLine(line);
      if (typeof msg !== 'string' || level === 'error')
        lists.errors.push({ at: now(), service, message: typeof msg === 'string' ? msg : line });
      const key = `${Math.floor((now() - startedAt) / 60_000)} ${service}`;
      lineCounts.set(key, (lineCounts.get(key) ?? 0) + 1);
    },
    resources: (found) => lists.resources.push({ at: now(), ...found }),
    fault: begin(lists.faults),
    disturbance: begin(lists.disturbances),
    struck: (kind, hits) => lists.strikes.push({ at: now(), kind, hits }),
    woke: (component) => lists.standstills.push({ component, endedAt: now() }),
    drain: () => drain(),
    history: () => {
      drain();
      const lines = [...lineCounts].map(([key, count]) => {
        const [minute = '0', ...service] = key.split(' ');
        const at = startedAt + (Number(minute) + 1) * 60_000;
        return { at, minute: Number(minute), service: service.join(' '), lines: count };
      });
      return { ...lists, lines };
    },
  };
}

function recordChanges(sim: Sim, changes: ObjectChange[], now: () => number): void {
  sim.kube.storage.onChange((id, { type, after }) => {
    const [resource = ''] = id.split('.');
    if (!watched.has(resource)) return;
    const { namespace, name } = after;
    const object = type === 'DELETED' ? undefined : (JSON.parse(after.text) as KubeObject);
    changes.push({ at: now(), resource, namespace, name, object });
  });
}

function createDrain(sim: Sim, lists: { writes: Write[]; patches: Patch[] }): () => void {
  let [kubeMark, armMark] = [0, 0];
  return () => {
    for (const entry of sim.kube.journal.entries({ since: kubeMark })) {
      kubeMark = entry.sequence;
      if (isWrite(entry)) lists.writes.push(writeOf(entry));
    }
    for (const entry of sim.azure.journal.entries({ service: 'arm', since: armMark })) {
      armMark = entry.sequence;
      if (entry.method === 'PATCH') lists.patches.push(patchOf(entry));
    }
  };
}

/** A review writes nothing. */
function isWrite({ method, outcome, path, userAgent }: JournalEntry): boolean {
  const hasArrived = outcome !== 'dropped' && outcome !== 'hung';
  return method !== 'GET' && hasArrived && micAgent.test(userAgent) && !path.endsWith('accessreviews');
}

const componentOf = ({ userAgent }: JournalEntry): string => micAgent.exec(userAgent)?.[0] ?? userAgent;

function writeOf(entry: JournalEntry): Write {
  const { at, method, path, status } = entry;
  return { at, method, path, status, component: componentOf(entry) };
}

function patchOf(entry: JournalEntry): Patch {
  const { at, path, status, outcome, body = '{}' } = entry;
  const { identity } = JSON.parse(body) as {
    identity?: { userAssignedIdentities?: Record<string, object | null> };
  };
  const named = Object.entries(identity?.userAssignedIdentities ?? {});
  const idsWith = (isWanted: (value: object | null) => boolean) =>
    named.filter(([, value]) => isWanted(value)).map(([id]) => id.toLowerCase());
  return {
    at,
    component: componentOf(entry),
    host: path.toLowerCase(),
    isAccepted: outcome === 'answer-lost' || (status >= 200 && status < 300),
    attaches: idsWith((value) => value !== null),
    detaches: idsWith((value) => value === null),
  };
}
