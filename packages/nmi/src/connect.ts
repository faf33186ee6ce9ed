import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { buildInfo, userAgentOf } from '@pod-identity/kit/serve';
import manifest from '../package.json' with { type: 'json' };
import type { NmiConfig } from './config/config.ts';

export const build = buildInfo(manifest.version);

/** To the API server, as NMI or the broker. */
export function connect({ serviceAccountDir, kubeconfig, master }: NmiConfig): Promise<KubeTransport> {
  return connectKube({
    userAgent: userAgentOf('NMI', build),
    serviceAccountDir,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(master === undefined ? {} : { master }),
  });
}
