// Where a cluster stands, and the next step.
import { shellWord } from '@pod-identity/policy';
import { exitCodes, type Session } from '../cli/command.ts';
import { keyOf } from '../cluster/fields.ts';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { readCluster, type ClusterRead } from '../cluster/read-cluster.ts';
import { isForPrograms } from '../print/output.ts';
import { plugIn } from './plan.ts';

export async function showMigrationState(session: Session): Promise<number> {
  const found = migrationStateOf(await readCluster({ ...session, namespace: undefined }));
  const { state, unknown, next } = found;
  if (isForPrograms(session)) session.out.object(found);
  else
    for (const line of [...state, ...unknown.map((text) => `not known: ${text}`), `next: ${next}`])
      session.out.line(line);
  return unknown.length > 0 ? exitCodes.unknown : exitCodes.ok;
}

/** Fields of the JSON. */
export type MigrationState = ReturnType<typeof migrationStateOf>;

export function migrationStateOf({ services, identities }: Pick<ClusterRead, 'services' | 'identities'>) {
  const { mic, nmi, broker } = services;
  const views = itemsOf(identities).flatMap(({ view }) => (view.kind === 'valid' ? [view] : []));
  const ofType = (...types: readonly number[]) =>
    views.filter(({ identity }) => types.includes(identity.spec.type)).map(({ key }) => key);
  const unknown = [...services.unknown, ...unknownOf(identities)];
  const isOf = (wanted: boolean) =>
    [...mic, ...nmi].filter(({ isOriginal }) => isOriginal === wanted).map(keyOf);
  const [originals, own, attached] = [isOf(true), isOf(false), ofType(0)];
  const shown = (names: readonly string[]) => {
    const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
    if (names.length > 0) return `${names.length} (${names.slice(0, 5).join(', ')}${more})`;
    return unknown.length > 0 ? 'none seen' : 'none';
  };
  const hasBroker = broker.length > 0 ? 'yes' : unknown.length > 0 ? 'not seen' : 'no';
  const state = [
    `MIC and NMI of the original: ${shown(originals)}`,
    `MIC and NMI of this project: ${shown(own)}; broker: ${hasBroker}`,
    `AzureIdentities attached to machines (type 0): ${shown(attached)}`,
    `AzureIdentities of service principals (types 1 and 2): ${shown(ofType(1, 2))}`,
    `AzureIdentities that are federated (type 3): ${shown(ofType(3))}`,
  ];
  const nextStep = () => {
    if (originals.length > 0)
      return 'replace MIC and NMI of the original: docs/administrator/from-the-original.md';
    if (own.length === 0)
      return unknown.length > 0
        ? 'ask as somebody who may list what is not known here'
        : 'install this project: docs/administrator/quickstart.md';
    if (attached[0] === undefined) return plugIn('migrate to-workload-identity NAMESPACE/SERVICEACCOUNT');
    if (broker.length === 0) return 'install the broker: docs/administrator/federated.md';
    return plugIn(`migrate to-federated ${shellWord(attached[0])}`);
  };
  return { state, unknown, next: nextStep() };
}
