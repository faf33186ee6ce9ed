// Where a cluster stands, and the next step.
import { shellWord } from '@pod-identity/policy';
import { plugIn } from './plan.ts';

export interface MigrationFacts {
  /** As `namespace/name`. */
  readonly originals: readonly string[];
  readonly own: readonly string[];
  readonly hasBroker: boolean;
  /** The keys of the AzureIdentities by their type. */
  readonly identities: Readonly<Record<string, readonly string[]>>;
  /** Keys of ServiceAccounts of workload identity. */
  readonly workloadAccounts: readonly string[];
  readonly unknown: readonly string[];
}

export interface MigrationState extends MigrationFacts {
  readonly next: { readonly text: string; readonly command: string };
}

export function migrationStateOf(facts: MigrationFacts): MigrationState {
  return { ...facts, next: nextOf(facts) };
}

function nextOf({ originals, own, hasBroker, identities, unknown }: MigrationFacts): MigrationState['next'] {
  if (originals.length > 0)
    return { text: 'replace MIC and NMI of the original', command: plugIn('migrate to-ours') };
  if (own.length === 0 && unknown.length > 0)
    return { text: 'ask as somebody who may list what is not known here', command: plugIn('migrate') };
  if (own.length === 0) return { text: 'install this project', command: 'docs/administrator/quickstart.md' };
  const [attached] = identities['0'] ?? [];
  if (attached === undefined)
    return {
      text: 'nothing has to be done. Apps whose SDK can: workload identity',
      command: plugIn('migrate to-workload-identity NAMESPACE/SERVICEACCOUNT'),
    };
  const text = hasBroker
    ? 'make identities on machines federated ones, which no machine carries'
    : 'install the broker (docs/administrator/federated.md), then make identities on machines federated ones';
  return { text, command: plugIn(`migrate to-federated ${shellWord(attached)}`) };
}

const types = {
  '0': 'attached to machines (type 0)',
  '1': 'service principals with a secret (type 1)',
  '2': 'service principals with a certificate (type 2)',
  '3': 'federated (type 3)',
} as const;

export function migrationStateLines(state: MigrationState): readonly string[] {
  const { originals, own, hasBroker, identities, workloadAccounts, unknown, next } = state;
  const [none, no] = unknown.length > 0 ? ['none seen', 'not seen'] : ['none', 'no'];
  const shown = (names: readonly string[]) => (names.length === 0 ? none : listed(names));
  return [
    `MIC and NMI of the original: ${shown(originals)}`,
    `MIC and NMI of this project: ${shown(own)}; broker: ${hasBroker ? 'yes' : no}`,
    ...Object.entries(types).map(
      ([type, text]) => `AzureIdentities ${text}: ${shown(identities[type] ?? [])}`,
    ),
    `ServiceAccounts of workload identity: ${shown(workloadAccounts)}`,
    ...unknown.map((text) => `not known: ${text}`),
    `next: ${next.text}`,
    next.command,
  ];
}

/** More would not fit on a line. */
const most = 5;

function listed(names: readonly string[]): string {
  const more = names.length - most;
  return `${names.length} (${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}
