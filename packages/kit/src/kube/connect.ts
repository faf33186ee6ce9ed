import type { KubeTransport } from './transport.ts';

export interface ConnectOptions {
  /** A kubeconfig file; in the cluster's own way (or KUBECONFIG, ~/.kube/config) when absent. */
  readonly kubeconfig?: string;
  readonly userAgent: string;
  /** Requests per second on average and at once; unlimited when absent. Watches and leases never wait. */
  readonly qps?: number;
  readonly burst?: number;
}
export function connectKube(options: ConnectOptions): Promise<KubeTransport> { throw new Error('soon'); }
