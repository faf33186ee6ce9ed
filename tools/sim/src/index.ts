// Room: the simulator: Azure and Kubernetes on loopback, for the demo and the tests. Its halves meet in scenario.ts alone.
// It must not import the programs that are tested against it.
export type * from './azure/index.ts';
export { discoverKeysAt, roleDefinitions, startAzure } from './azure/index.ts';
export { createServerCertificate } from './azure/cert.ts';
export type { FaultAction, FaultHandle, FaultRule, Faults } from './http/faults.ts';
export { hostilities, startHostileServer, type HostileServer, type Hostility } from './http/hostile.ts';
export type { Journal, JournalEntry, JournalFilter } from './http/journal.ts';
export {
  startKube,
  type Change,
  type KubeObject,
  type KubeOptions,
  type KubeSim,
  type Metadata,
  type OwnerReference,
  type Storage,
  type Stored,
} from './kube/index.ts';
export {
  createPodNetwork,
  loopbackHasOneAddress,
  type PodNetwork,
  type PodNetworkOptions,
  type PodPath,
  type PodPathOptions,
} from './network/pod-network.ts';
export { kubeClient, KubeAnswerError, type KubeClient } from './kube-client.ts';
export { customResourceDefinitions } from './definitions.ts';
export * from './scenario.ts';
export { startSim, type Sim, type SimOptions } from './sim.ts';
