// Where a cluster stands, and the next step.
import { shellWord } from '@pod-identity/policy';
import { exitCodes, type Session } from '../cli/command.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { isForPrograms } from '../print/output.ts';
import { plugIn } from './plan.ts';

export async function showMigrationState(session: Session): Promise<number> {
  const state = migrationStateOf(await readCluster({ ...session, namespace: undefined }));
  if (isForPrograms(session)) session.out.object(state);
  else for (const line of stateLines(state)) session.out.line(line);
  return state.unknown.length > 0 ? exitCodes.unknown : exitCodes.ok;
}

/** Fields of the JSON. */
export interface MigrationState {
  readonly originals: readonly string[];
  readonly own: readonly string[];
  readonly hasBroker: boolean;
  /** Keys by type. */
  readonly identities: Readonly<Record<0 | 1 | 2 | 3, readonly string[]>>;
  readonly unknown: readonly string[];
  readonly next: string;
}

export function migrationStateOf({
  services,
  identities,
}: Pick<ClusterRead, 'services' | 'identities'>): MigrationState {
  const { mic, nmi, broker } = services;
  const named = (wanted: boolean) =>
    [...mic, ...nmi].filter(({ isOriginal }) => isOriginal === wanted).map(keyOf);
  const views = itemsOf(identities).flatMap(({ view }) => (view.kind === 'valid' ? [view] : []));
  const ofType = (wanted: number) =>
    views.filter(({ identity: { spec } }) => spec.type === wanted).map(({ key }) => key);
  const unknown = [...services.unknown, ...unknownOf(identities)];
  const facts = {
    originals: named(true),
    own: named(false),
    hasBroker: broker.length > 0,
    identities: { 0: ofType(0), 1: ofType(1), 2: ofType(2), 3: ofType(3) },
    unknown,
  };
  return { ...facts, next: nextOf(facts) };
}

function nextOf({ originals, own, hasBroker, identities, unknown }: Omit<MigrationState, 'next'>): string {
  if (originals.length > 0)
    return 'replace MIC and NMI of the original: docs/administrator/from-the-original.md';
  if (own.length === 0 && unknown.length > 0) return 'ask as somebody who may list what is not known here';
  if (own.length === 0) return 'install this project: docs/administrator/quickstart.md';
  const [attached] = identities[0];
  if (attached === undefined) return plugIn('migrate to-workload-identity NAMESPACE/SERVICEACCOUNT');
  if (!hasBroker) return 'install the broker: docs/administrator/federated.md';
  return plugIn(`migrate to-federated ${shellWord(attached)}`);
}

function stateLines({
  originals,
  own,
  hasBroker,
  identities,
  unknown,
  next,
}: MigrationState): readonly string[] {
  const [none, no] = unknown.length > 0 ? ['none seen', 'not seen'] : ['none', 'no'];
  const shown = (names: readonly string[]) => {
    const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
    return names.length === 0 ? none : `${names.length} (${names.slice(0, 5).join(', ')}${more})`;
  };
  return [
    `MIC and NMI of the original: ${shown(originals)}`,
    `MIC and NMI of this project: ${shown(own)}; broker: ${hasBroker ? 'yes' : no}`,
    `AzureIdentities attached to machines (type 0): ${shown(identities[0])}`,
    `AzureIdentities of service principals (types 1 and 2): ${shown([...identities[1], ...identities[2]])}`,
    `AzureIdentities that are federated (type 3): ${shown(identities[3])}`,
    ...unknown.map((text) => `not known: ${text}`),
    `next: ${next}`,
  ];
}
