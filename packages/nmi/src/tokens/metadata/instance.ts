import { readUpTo, withDeadline, type Clock } from '@pod-identity/kit/core';
import { parseMembers } from '../../json.ts';
import type { MetadataService } from './metadata-service.ts';
import type { MetadataPace } from './pace.ts';

const path = '/metadata/instance/compute?api-version=2021-02-01&format=json';
const largestBody = 256 * 1024;
const timeoutMs = 5_000;
/** Shares the turns of addresses that are no pod's. */
const ownTenant = { namespace: '', pod: 'nmi' };

/** The ARM id of this machine, as its metadata service says; undefined when it doesn't. One request for each call. */
export function createInstanceReader(
  metadata: Pick<MetadataService, 'get'>,
  pace: Pick<MetadataPace, 'read'>,
  clock: Pick<Clock, 'after'>,
) {
  const read = async (signal: AbortSignal): Promise<string | undefined> => {
    const response = await metadata.get(path, { signal });
    if (response.statusCode !== 200) {
      response.destroy();
      return undefined;
    }
    const body = await readUpTo(response, largestBody);
    const { resourceId } = parseMembers(body?.toString('utf8') ?? '');
    return typeof resourceId === 'string' ? resourceId : undefined;
  };
  return (): Promise<string | undefined> =>
    withDeadline({ clock, ms: timeoutMs, awaited: 'response of the metadata service' }, (signal) =>
      pace.read({ tenant: ownTenant, gone: signal }, () => read(signal)),
    );
}
