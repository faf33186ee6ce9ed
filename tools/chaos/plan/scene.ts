// What stands on the stage before the first step: hosts, nodes, namespaces and managed identities, by the names that a plan uses.

/** `pool` is a scale set; every other host is a virtual machine of its own. */
export const pool = 'pool';
/** Hosts that operations work on. */
export const mainHosts = [pool, 'single-0', 'single-1'] as const;
/** Hosts that only measurements use, in turn, so that the budget for updates of one host is never what is measured. */
export const probeHosts = [
  'probe-0',
  'probe-1',
  'probe-2',
  'probe-3',
  'probe-4',
  'probe-5',
  'probe-6',
  'probe-7',
];

export interface NodePlace {
  readonly name: string;
  readonly host: string;
  /** Of the scale set. */
  readonly instance?: number;
  readonly hasNmi: boolean;
}

/** The third instance of the scale set comes and goes. */
export const spareNode = 'pool-2';

export const nodes: readonly NodePlace[] = [
  { name: 'pool-0', host: pool, instance: 0, hasNmi: true },
  { name: 'pool-1', host: pool, instance: 1, hasNmi: true },
  { name: 'single-0', host: 'single-0', hasNmi: true },
  { name: 'single-1', host: 'single-1', hasNmi: false },
  ...probeHosts.map((name) => ({ name, host: name, hasNmi: false })),
  { name: spareNode, host: pool, instance: 2, hasNmi: false },
];

export const nmiNodes = nodes.filter(({ hasNmi }) => hasNmi).map(({ name }) => name);

/** Of people who know nothing of each other and use the same labels. */
export const teams = ['team-a', 'team-b'] as const;
export type Team = (typeof teams)[number];
export const probeNamespace = 'probe';

/** Managed identities that the teams' AzureIdentities stand for. */
export const sharedIdentities = ['shared-0', 'shared-1', 'shared-2', 'shared-3', 'shared-4'];
/** Managed identities that no AzureIdentity names: people attach them to hosts by hand. */
export const foreignIdentities = ['foreign-0', 'foreign-1', 'foreign-2'];
/** Of the pods that are there from beginning to end, one on each node with an NMI. */
export const residentIdentity = 'resident';
export const probeIdentities = probeHosts.map((name) => `${name}-identity`);

export const labels = ['blue', 'green', 'red'];
/** The label that exceptions select. */
export const exemptLabel = { name: 'exempt', value: 'yes' } as const;
