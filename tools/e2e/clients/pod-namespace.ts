// An isolated network namespace in which the address of IMDS leads to NMI: programs in it need no configuration.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { startService } from '../../stage/service.ts';
import type { Stage, StageNmi, StagePod } from '../../stage/stage.ts';
import { openNetworkNamespace } from './network-namespace.ts';
import { openRecordedPath, type RecordedPath } from './recorded-path.ts';

const relay = fileURLToPath(new URL('relay.program.ts', import.meta.url));

export interface PodNamespace {
  readonly path: RecordedPath;
  /** The command line that runs a program in it. */
  inside(executable: string, args: readonly string[]): readonly string[];
  remove(): Promise<void>;
}

/** Why network namespaces are not possible here, if so. With POD_IDENTITY_REQUIRE_KIT=1 it throws instead. */
export const whyNoNamespaces = (): string | undefined => whyNoPrograms({ programs: ['ip'], root: true });

let made = 0;

export async function openPodNamespace(
  stage: Stage,
  { pod, nmi }: { pod: StagePod; nmi: StageNmi },
): Promise<PodNamespace> {
  const namespace = await openNetworkNamespace('client', ['169.254.169.254']);
  made += 1;
  // Unix sockets with a path work across network namespaces.
  const socket = join(stage.folder, `client-${made}.socket`);
  const path = await openRecordedPath({ pod, nmi, socket });
  const [executable, entry = '', ...args] = namespace.inside(process.execPath, [relay, socket]);
  const program = startService({ name: 'relay', executable, entry, args });
  await program.line((line) => line === 'relay: ready');
  return {
    path,
    inside: (...command) => namespace.inside(...command),
    remove: async () => {
      await program.stop();
      await path.close();
      await namespace.remove();
    },
  };
}
