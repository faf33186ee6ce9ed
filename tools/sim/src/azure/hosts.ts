import type { ManagedIdentity } from './directory.ts';
import { keyOf, parseResourcePath } from './resource-path.ts';

export type HostKind = 'vm' | 'vmss';
export type ProvisioningState = 'Creating' | 'Updating' | 'Succeeded' | 'Failed' | 'Deleting';
export type HostIdentityType = 'None' | 'SystemAssigned' | 'UserAssigned' | 'SystemAssigned, UserAssigned';

export interface SystemIdentity {
  readonly clientId: string;
  readonly principalId: string;
  readonly tenantId: string;
}

/** ARM's record of an attached user assigned identity, which may have been deleted or recreated since. */
export interface Attachment {
  readonly resourceId: string;
  readonly clientId: string;
  readonly principalId: string;
}

export interface HostIdentities {
  readonly system?: SystemIdentity;
  /** By lower-case resource id. */
  readonly attached: ReadonlyMap<string, Attachment>;
}

export interface Host {
  readonly id: string;
  readonly kind: HostKind;
  readonly name: string;
  readonly location: string;
  readonly flexible: boolean;
  /** The scale set that an instance of a flexible scale set belongs to. */
  readonly scaleSetId?: string;
  readonly provisioningState: ProvisioningState;
  /** The identities in ARM: changed as soon as an update is accepted. */
  readonly model: HostIdentities;
  /** The identities in IMDS: changed when the update has succeeded. */
  readonly effective: HostIdentities;
  /** Names of the machines that take their identities from this host. */
  readonly machines: readonly string[];
  readonly etag: string;
}

export interface HostSpec {
  readonly id: string;
  readonly location?: string;
  readonly systemAssigned?: boolean;
  /** Resource ids of managed identities of the world. */
  readonly identities?: readonly string[];
}

export interface ScaleSetSpec extends HostSpec {
  readonly instances: number;
  /** Flexible orchestration: each instance is a virtual machine with identities of its own. */
  readonly flexible?: boolean;
}

export interface Machine {
  readonly name: string;
  readonly hostId: string;
}

/** The hosts and machines. */
interface Fleet {
  addVirtualMachine(spec: HostSpec): void;
  addScaleSet(spec: ScaleSetSpec): void;
  /** More (or fewer) instances of a scale set. */
  scale(id: string, instances: number): void;
  deleteHost(id: string): void;
  hostRecord(id: string): Host | undefined;
  machines(): readonly Machine[];
  machine(name: string): Machine | undefined;
}

/** A manual edit: changes ARM and IMDS at once. */
interface Edits {
  attach(id: string, ...identityIds: readonly string[]): void;
  detach(id: string, ...identityIds: readonly string[]): void;
  /** System assigned ones stay. */
  wipeIdentities(id: string): void;
  setProvisioningState(id: string, state: ProvisioningState): void;
}

/** An update through ARM. */
interface Updates {
  beginUpdate(id: string, model: HostIdentities): void;
  /** Ends an update; only a success reaches the machines. */
  endUpdate(id: string, state: 'Succeeded' | 'Failed'): void;
  newSystemIdentity(): SystemIdentity;
}

export interface Hosts extends Fleet, Edits, Updates {}

export interface HostPorts {
  /** Throws for an unknown one. */
  readonly identity: (resourceId: string) => ManagedIdentity;
  readonly tenantId: string;
  readonly newId: () => string;
  readonly changed: () => void;
}

export function createHosts(ports: HostPorts): Hosts {
  const records = createRecords(ports.changed);
  const attachments = (ids: readonly string[]): HostIdentities['attached'] =>
    new Map(ids.map((id) => [keyOf(id), attachmentOf(id, ports)]));
  const newSystemIdentity = (): SystemIdentity => ({
    clientId: ports.newId(),
    principalId: ports.newId(),
    tenantId: ports.tenantId,
  });
  const identitiesOf = ({ identities = [], systemAssigned = false }: HostSpec): HostIdentities => ({
    attached: attachments(identities),
    ...(systemAssigned ? { system: newSystemIdentity() } : {}),
  });
  return {
    ...createFleet(records, identitiesOf),
    ...createEdits(records, attachments),
    ...createUpdates(records),
    newSystemIdentity,
  };
}

interface Records {
  get(id: string): Host | undefined;
  /** Throws for an unknown host. */
  existing(id: string): Host;
  all(): readonly Host[];
  put(host: Host): void;
  remove(id: string): void;
}

function createRecords(changed: () => void): Records {
  const records = new Map<string, Host>();
  let edits = 0;
  const existing = (id: string): Host => {
    const host = records.get(keyOf(id));
    if (host === undefined) throw new TypeError(`the world has no host ${id}`);
    return host;
  };
  return {
    get: (id) => records.get(keyOf(id)),
    existing,
    all: () => [...records.values()],
    put(host) {
      edits += 1;
      records.set(keyOf(host.id), { ...host, etag: `"${edits}"` });
      changed();
    },
    remove(id) {
      existing(id);
      records.delete(keyOf(id));
      changed();
    },
  };
}

function createFleet(records: Records, identitiesOf: (spec: HostSpec) => HostIdentities): Fleet {
  const add = (host: Host): void => {
    if (records.get(host.id)) throw new TypeError(`the world already has the host ${host.id}`);
    refuseTaken(host.machines, records.all());
    records.put(host);
  };
  const addVirtualMachine = (spec: HostSpec, scaleSetId?: string): void =>
    add({ ...newHost('vm', spec, identitiesOf(spec)), ...(scaleSetId === undefined ? {} : { scaleSetId }) });

  const fleet: Fleet = {
    addVirtualMachine: (spec) => addVirtualMachine(spec),
    addScaleSet(spec) {
      add({ ...newHost('vmss', spec, identitiesOf(spec)), flexible: spec.flexible ?? false });
      fleet.scale(spec.id, spec.instances);
    },
    scale(id, instances) {
      const host = records.existing(id);
      const names = Array.from({ length: instances }, (_, index) => `${host.name}_${index}`);
      if (host.flexible) {
        scaleFlexible(host, names, { records, addVirtualMachine });
        return;
      }
      refuseTaken(
        names,
        records.all().filter((other) => other !== host),
      );
      records.put({ ...host, machines: names });
    },
    deleteHost: (id) => records.remove(id),
    hostRecord: (id) => records.get(id),
    machines: () => machinesOf(records.all()),
    machine: (name) => machinesOf(records.all()).find((machine) => machine.name === name),
  };
  return fleet;
}

interface FlexibleParts {
  readonly records: Records;
  readonly addVirtualMachine: (spec: HostSpec, scaleSetId: string) => void;
}

/** Instances are virtual machines; a new one starts with the identities of the scale set's model. */
function scaleFlexible(
  scaleSet: Host,
  names: readonly string[],
  { records, addVirtualMachine }: FlexibleParts,
): void {
  const wanted = new Set(names);
  const instances = records.all().filter(({ scaleSetId }) => scaleSetId === scaleSet.id);
  for (const { id } of instances.filter(({ name }) => !wanted.has(name))) records.remove(id);
  const present = new Set(instances.map(({ name }) => name));
  const identities = [...scaleSet.model.attached.values()].map(({ resourceId }) => resourceId);
  for (const name of names.filter((candidate) => !present.has(candidate))) {
    const id = scaleSet.id.replace(/virtualMachineScaleSets\/[^/]+$/i, `virtualMachines/${name}`);
    addVirtualMachine({ id, location: scaleSet.location, identities }, scaleSet.id);
  }
}

function createEdits(
  records: Records,
  attachments: (ids: readonly string[]) => ReadonlyMap<string, Attachment>,
): Edits {
  const edit = (
    id: string,
    attachedAfter: (before: HostIdentities) => Iterable<[string, Attachment]>,
  ): void => {
    const host = records.existing(id);
    const identities = { ...host.model, attached: new Map(attachedAfter(host.model)) };
    records.put({ ...host, model: identities, effective: identities });
  };
  return {
    attach: (id, ...identityIds) => edit(id, ({ attached }) => [...attached, ...attachments(identityIds)]),
    detach(id, ...identityIds) {
      const gone = new Set(identityIds.map(keyOf));
      edit(id, ({ attached }) => [...attached].filter(([key]) => !gone.has(key)));
    },
    wipeIdentities: (id) => edit(id, () => []),
    setProvisioningState: (id, state) => records.put({ ...records.existing(id), provisioningState: state }),
  };
}

function createUpdates(records: Records): Pick<Updates, 'beginUpdate' | 'endUpdate'> {
  return {
    beginUpdate: (id, model) =>
      records.put({ ...records.existing(id), model, provisioningState: 'Updating' }),
    endUpdate(id, state) {
      const host = records.get(id);
      // A deletion during the update is kept.
      if (host?.provisioningState !== 'Updating') return;
      const effective = state === 'Succeeded' ? host.model : host.effective;
      records.put({ ...host, provisioningState: state, effective });
    },
  };
}

function attachmentOf(resourceId: string, ports: HostPorts): Attachment {
  const { clientId, principalId } = ports.identity(resourceId);
  return { resourceId, clientId, principalId };
}

function newHost(kind: HostKind, spec: HostSpec, identities: HostIdentities): Host {
  const path = parseResourcePath(spec.id);
  const type = kind === 'vm' ? 'virtualmachines' : 'virtualmachinescalesets';
  if (path?.type.toLowerCase() !== type) throw new TypeError(`not the id of a ${type}: ${spec.id}`);
  return {
    id: spec.id,
    kind,
    name: path.name,
    location: spec.location ?? 'westeurope',
    flexible: false,
    provisioningState: 'Succeeded',
    model: identities,
    effective: identities,
    machines: kind === 'vm' ? [path.name] : [],
    etag: '"0"',
  };
}

function machinesOf(hosts: readonly Host[]): readonly Machine[] {
  return hosts.flatMap((host) => host.machines.map((name) => ({ name, hostId: host.id })));
}

/** Machines are found by their name alone, so names must be unique. */
function refuseTaken(names: readonly string[], hosts: readonly Host[]): void {
  const taken = new Set(hosts.flatMap(({ machines }) => machines));
  const twice = names.find((name) => taken.has(name));
  if (twice !== undefined) throw new TypeError(`two machines of the world would be called ${twice}`);
}
