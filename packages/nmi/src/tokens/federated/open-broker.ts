import { readTokenFile } from '../../broker/token-file.ts';
import type { FederatedIdentity, TokenUpstream } from '../types.ts';
import { createBrokerClient } from './broker-client.ts';
import { createFederatedSource, type FederatedSourceOptions } from './federated-source.ts';
import { watchReplicas, type Replicas, type ReplicasOptions } from './replicas.ts';

export interface OpenedBroker extends TokenUpstream<FederatedIdentity> {
  readonly informer: Replicas['informer'];
  close(): void;
}

export interface BrokerOptions
  extends Omit<FederatedSourceOptions, 'client'>, Pick<ReplicasOptions, 'transport' | 'random'> {
  readonly broker: {
    readonly namespace: string;
    readonly tokenFile: string;
  };
}

/** Undefined without `--broker`. */
export function openBroker({ broker, ...options }: BrokerOptions): OpenedBroker | undefined {
  const { namespace, tokenFile } = broker;
  if (namespace === '') return undefined;
  const { informer, all } = watchReplicas({ ...options, namespace });
  const client = createBrokerClient({ ...options, replicas: all, readToken: () => readTokenFile(tokenFile) });
  return { ...createFederatedSource({ ...options, client }), informer, close: client.close };
}
