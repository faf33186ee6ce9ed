// An attacker writes a record while MIC runs. MIC does not watch records: it deletes this one with its next list, two minutes later.
import type { KubeTransport } from '@pod-identity/kit/kube';
import { pathOf } from '../../stage/objects.ts';
import type { Stage, StagePod } from '../../stage/stage.ts';
import { untilNone } from '../../stage/until.ts';
import { forgedRecord, writeIdentity } from './attack-objects.ts';
import { untilReadyIs } from './told.ts';

export interface LateAttack {
  /** The attacker's. */
  readonly kube: KubeTransport;
  /** Its label is its own name. */
  readonly pod: StagePod;
  readonly of: { readonly resourceId: string; readonly clientId: string };
}

/** Resolves when the record is written; `deleted` when MIC has deleted it, so that other tests can run meanwhile. */
export async function writeLateRecord(
  stage: Stage,
  { kube, pod, of }: LateAttack,
): Promise<{ readonly deleted: Promise<void> }> {
  const { namespace = '', labels = {} } = pod.object.metadata;
  const name = labels['aadpodidbinding'] ?? '';
  const spec = { type: 0, resourceID: of.resourceId, clientID: of.clientId };
  await writeIdentity(stage, { kube, key: `${namespace}/${name}`, spec });
  await untilReadyIs(stage, { namespace, name }, ({ reason }) => reason === 'AccessDenied');
  const record = forgedRecord(pod, name, spec);
  await stage.create(record, kube);
  const { apiVersion, kind } = record;
  const deleted = untilNone(stage.kube, {
    path: pathOf({ apiVersion, kind, namespace }),
    fits: ({ metadata }) => metadata.name === record.metadata.name,
    withinMs: 3 * 60_000,
  });
  // Awaited later.
  deleted.catch(() => undefined);
  return { deleted };
}
