// Room: the client of Azure Resource Manager: which identities a host carries, attaching and detaching them.
// It must not decide who may use which identity, or know the API server.
import type { Ambient } from '@pod-identity/kit/serve';
import { createArmClient, type ArmAccess } from './arm/arm-client.ts';
import { clusterClientId, type CloudSettings, type Env } from './cloud/cloud.ts';
import { loadCloudConfig, watchCloudConfig } from './cloud/cloud-config.ts';
import { createCredential } from './credential/credential.ts';
import { createHostCalls, type ArmCall } from './hosts/host-calls.ts';
import { createArmHosts } from './hosts/arm-hosts.ts';
import { principalIn } from './credential/token-keeper.ts';

export interface AzureOptions extends Ambient {
  readonly cloudConfigPath?: string | undefined;
  readonly env: Env;
  readonly userAgent: string;
  onCall?(call: ArmCall): void;
}

export type Azure = Awaited<ReturnType<typeof connectAzure>>;

/** Reads the settings; throws ConfigurationError with all problems. Sends no requests. */
export async function connectAzure(options: AzureOptions) {
  const { cloudConfigPath: path, env, clock, random, log } = options;
  let settings = await loadCloudConfig({ path, env });
  let access = accessOf(settings, options);

  const client = createArmClient({ access: () => access, clock, random, userAgent: options.userAgent });
  const onCall = (call: ArmCall) => options.onCall?.(call);
  const calls = createHostCalls({ client, clock, random, onCall });
  /** MIC's object id, for commands that assign a role to it. */
  const principalId = async (signal: AbortSignal) => {
    try {
      return principalIn(await access.credential.getToken(signal));
    } catch (error) {
      log.warn({ error: String(error) }, 'cannot tell as whom this process speaks to Azure');
      return undefined;
    }
  };

  const replace = (next: CloudSettings) => {
    settings = next;
    access = accessOf(next, options);
    log.info(
      { path, credential: next.credential.kind, cloud: next.endpoints.resourceManager },
      'cloud configuration read again',
    );
  };

  return {
    hosts: createArmHosts(calls),
    /** C27: the cluster's own identity, never to be detached; '' unless MIC uses a user-assigned one. */
    clusterClientId: () => clusterClientId(settings),
    principalId,
    /** Applies changes of azure.json until the signal aborts. */
    watch: async (signal: AbortSignal) => {
      if (path === undefined) return;
      const onProblem = (error: unknown) =>
        log.error({ path, error: String(error) }, 'the new cloud configuration is not used');
      await watchCloudConfig({ path, env, clock, signal, onChange: replace, onProblem });
    },
    close: () => client.close(),
  };
}

function accessOf(settings: CloudSettings, deps: AzureOptions): ArmAccess {
  return { endpoints: settings.endpoints, credential: createCredential(settings, deps) };
}
