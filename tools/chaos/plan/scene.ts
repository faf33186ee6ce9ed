// What exists before the first step: hosts, nodes, namespaces and managed identities, by the names that a plan uses.

/** `pool` is a scale set; every other host is a virtual machine of its own. */
export const pool = 'pool';
/** Hosts that operations use. */
export const mainHosts = [pool, 'single-0', 'single-1'] as const;
/** Hosts that only measurements use, in turn, so that no measurement waits for the update budget of a host. */
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

/** The third instance of the scale set is created and deleted repeatedly. */
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

/** Two independent teams that use the same labels. */
export const teams = ['team-a', 'team-b'] as const;
export type Team = (typeof teams)[number];
export const probeNamespace = 'probe';

/** Managed identities of the teams' AzureIdentities. */
export const sharedIdentities = ['shared-0', 'shared-1', 'shared-2', 'shared-3', 'shared-4'];
/** Managed identities without an AzureIdentity: users attach them to hosts. */
export const foreignIdentities = ['foreign-0', 'foreign-1', 'foreign-2'];
/** The pods that exist for the whole run, one on each node with an NMI. */
export const residentIdentity = 'resident';
export const probeIdentities = probeHosts.map((name) => `${name}-identity`);

export const labels = ['blue', 'green', 'red'];
/** The label that exceptions select. */
export const exemptLabel = { name: 'exempt', value: 'yes' } as const;
