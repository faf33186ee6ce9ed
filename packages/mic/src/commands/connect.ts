import { connectKube, type KubeTransport } from '@pod-identity/kit/kube';
import { systemClock, type Log, type Metrics } from '@pod-identity/kit/serve';
import { connectAzure, type Azure } from '../azure/connect.ts';
import type { ArmCall } from '../azure/hosts/host-calls.ts';
import type { Env, MicConfig } from '../config/config.ts';
import type { MicMetricSpecs } from '../tell/metrics.ts';

export interface Connections {
  readonly transport: KubeTransport;
  readonly azure: Azure;
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly config: MicConfig;
  readonly env: Env;
  readonly userAgent: string;
  readonly log: Log;
  readonly metrics: Metrics<MicMetricSpecs>;
}

export async function connect({
  config,
  env,
  userAgent,
  log,
  metrics,
}: ConnectOptions): Promise<Connections> {
  const { cloudConfigPath, kubeconfig, master, serviceAccountDir, kubeQps: qps } = config;
  const azure = await connectAzure({
    cloudConfigPath,
    env,
    clock: systemClock,
    random: Math.random,
    userAgent,
    log,
    onCall: (call) => meterCall(metrics, call),
  });
  const transport = await connectKube({
    userAgent,
    qps,
    burst: qps,
    serviceAccountDir,
    ...(master === undefined ? {} : { master }),
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
  });
  return {
    transport,
    azure,
    async close() {
      azure.close();
      // Failures to close end with the process.
      await transport.close().catch(() => undefined);
    },
  };
}

function meterCall(metrics: Metrics<MicMetricSpecs>, { operation, result, ms }: ArmCall): void {
  metrics.count('armCalls', { operation, result });
  // As in the original: only reads and changes of hosts; a change lasts until the end of its operation.
  if (operation === 'operation_get') return;
  if (result === 'ok') metrics.observe('cloudSeconds', ms / 1000, { operation_type: operation });
  else metrics.count('cloudErrors', { operation_type: operation });
}
