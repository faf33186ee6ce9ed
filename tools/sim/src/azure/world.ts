import { createChanges } from './changes.ts';
import { createDirectory, type Directory } from './directory.ts';
import {
  createHosts,
  type Host,
  type HostIdentities,
  type HostIdentityType,
  type HostKind,
  type Hosts,
  type ProvisioningState,
} from './hosts.ts';
import { createLocks, type Locks } from './locks.ts';
import { createRoles, type Roles } from './roles.ts';
import { createVaults, type Vaults } from './vaults.ts';

export interface IdentityEntry {
  /** null in a dead entry: the identity was deleted, or recreated, since it was attached. */
  readonly clientId: string | null;
  readonly principalId: string | null;
}

/** A host's identities in ARM. */
export interface IdentityBlock {
  readonly type: HostIdentityType;
  readonly principalId?: string;
  readonly tenantId?: string;
  /** Keys as they were spelled when attached. */
  readonly userAssignedIdentities: Readonly<Record<string, IdentityEntry>>;
}

export interface HostView {
  readonly id: string;
  readonly kind: HostKind;
  readonly name: string;
  readonly identity: IdentityBlock;
  readonly provisioningState: ProvisioningState;
  readonly machines: readonly string[];
}

/** The state of Azure as plain data, for all listeners and for assertions in tests. */
export interface World extends Directory, Hosts, Vaults, Roles, Locks {
  host(id: string): HostView;
  /** Resource ids attached to a host in ARM, in lower case, sorted, including dead entries. */
  attachedTo(id: string): readonly string[];
  /** Resolves when the predicate is true; it is called after each change. */
  until(predicate: (world: World) => boolean): Promise<void>;
}

interface WorldOptions {
  readonly now: () => number;
  readonly newId: () => string;
  readonly tenantId?: string;
}

export function createWorld(options: WorldOptions): World {
  const changes = createChanges();
  const { now, newId, tenantId = newId() } = options;
  const ports = { now, newId, tenantId, changed: () => changes.announce() };
  const directory = createDirectory(ports);
  const hosts = createHosts({ ...ports, identity: (id) => directory.identity(id) });

  const record = (id: string): Host => {
    const host = hosts.hostRecord(id);
    if (host === undefined) throw new TypeError(`the world has no host ${id}`);
    return host;
  };
  const world: World = {
    ...directory,
    ...hosts,
    ...createVaults(ports),
    ...createRoles(ports),
    ...createLocks(ports),
    host(id) {
      const { id: spelling, kind, name, model, provisioningState, machines } = record(id);
      return {
        id: spelling,
        kind,
        name,
        identity: identityBlock(model, directory),
        provisioningState,
        machines,
      };
    },
    attachedTo: (id) => [...record(id).model.attached.keys()].sort(),
    until: (predicate) => changes.until(() => predicate(world)),
  };
  return world;
}

function identityType(identities: HostIdentities): HostIdentityType {
  if (identities.system === undefined) return identities.attached.size > 0 ? 'UserAssigned' : 'None';
  return identities.attached.size > 0 ? 'SystemAssigned, UserAssigned' : 'SystemAssigned';
}

export function identityBlock(
  identities: HostIdentities,
  directory: Pick<Directory, 'findIdentity'>,
): IdentityBlock {
  const entries = [...identities.attached.values()].map((attachment): readonly [string, IdentityEntry] => {
    const { resourceId, clientId, principalId } = attachment;
    const alive = directory.findIdentity(resourceId)?.clientId === clientId;
    return [resourceId, alive ? { clientId, principalId } : { clientId: null, principalId: null }];
  });
  const { system } = identities;
  return {
    type: identityType(identities),
    ...(system ? { principalId: system.principalId, tenantId: system.tenantId } : {}),
    userAssignedIdentities: Object.fromEntries(entries),
  };
}
