export type ApiServerFlavour = 'v1.36' | 'v1.20';

export interface RunningApiServer {
  readonly kubeconfig: string;
  readonly server: string;
  /** A ServiceAccount's token; the account, `namespace/name`, is made if need be. */
  token(account: string): Promise<string>;
  stop(): Promise<void>;
}
export function startApiServer(options: { readonly flavour?: ApiServerFlavour } = {}): Promise<RunningApiServer | { readonly skipped: string }> { throw new Error('soon'); }
