export { startKube, type KubeOptions, type KubeSim } from './start.ts';
export type { KubeObject, Metadata, OwnerReference } from './object.ts';
export type { Storage } from './storage.ts';
export type { Stored, Change } from './stored.ts';
