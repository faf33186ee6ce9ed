import type { JSONWebKeySet } from 'jose';
import { isUserAssignedIdentityId, keyOf } from './resource-path.ts';

export interface ManagedIdentity {
  readonly resourceId: string;
  readonly clientId: string;
  readonly principalId: string;
  readonly tenantId: string;
}

export interface ManagedIdentitySpec {
  readonly resourceId: string;
  readonly clientId?: string;
  readonly principalId?: string;
  readonly tenantId?: string;
}

interface ClientSecret {
  readonly value: string;
  /** Milliseconds since the epoch; a secret without it never expires. */
  readonly expiresAt?: number;
}

/** A subject of another issuer that may act as an app or managed identity. */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  /** api://AzureADTokenExchange when absent. */
  readonly audience?: string;
  /** The issuer's public keys; without them they are fetched from the issuer. */
  readonly keys?: JSONWebKeySet;
}

export interface App {
  readonly clientId: string;
  readonly principalId: string;
  /** Every tenant where the app has a service principal; its home comes first. */
  readonly tenants: readonly string[];
  readonly secrets: readonly ClientSecret[];
  /** PEM, public part only. */
  readonly certificates: readonly string[];
  readonly disabled: boolean;
  readonly ellipticCurves: boolean;
}

export interface AppSpec {
  readonly clientId: string;
  readonly tenantId?: string;
  readonly otherTenants?: readonly string[];
  readonly principalId?: string;
  readonly secrets?: readonly (string | ClientSecret)[];
  readonly certificates?: readonly string[];
  readonly federated?: readonly FederatedCredential[];
  readonly disabled?: boolean;
  /** Accepts assertions that are signed with elliptic curves, which Entra does not accept yet. */
  readonly ellipticCurves?: boolean;
}

interface Tenants {
  readonly defaultTenantId: string;
  addTenant(tenantId: string): void;
  hasTenant(tenantId: string): boolean;
}

interface Identities {
  addIdentity(spec: ManagedIdentitySpec): ManagedIdentity;
  deleteIdentity(resourceId: string): void;
  /** Same resource id, new client and principal: existing attachments become dead entries. */
  recreateIdentity(resourceId: string): ManagedIdentity;
  /** Throws for an unknown one. */
  identity(resourceId: string): ManagedIdentity;
  findIdentity(resourceId: string): ManagedIdentity | undefined;
  identities(): readonly ManagedIdentity[];
}

interface Clients {
  /** Replaces an app with the same client id. */
  addApp(spec: AppSpec): App;
  addFederatedCredential(clientId: string, credential: FederatedCredential): void;
  /** All of the client. */
  removeFederatedCredentials(clientId: string): void;
  federatedCredentials(clientId: string): readonly FederatedCredential[];
  /** The next exchanges by a credential that matches are refused as if none did (AADSTS700213), as for minutes after its creation. */
  missFederatedCredentials(clientId: string, times: number): void;
  /** Called at each such exchange: whether it is refused. */
  takeMiss(clientId: string): boolean;
  /** An app or a managed identity: both can be the client of a federated exchange. */
  client(clientId: string): App | undefined;
}

export interface Directory extends Tenants, Identities, Clients {}

interface DirectoryPorts {
  readonly tenantId: string;
  readonly newId: () => string;
  readonly changed: () => void;
}

export function createDirectory(ports: DirectoryPorts): Directory {
  const tenants = createTenants(ports.tenantId);
  const identities = createIdentities(ports, tenants);
  return { ...tenants, ...identities, ...createClients(ports, tenants, identities) };
}

function createTenants(defaultTenantId: string): Tenants {
  const tenants = new Set([defaultTenantId]);
  return {
    defaultTenantId,
    addTenant(tenantId) {
      tenants.add(tenantId);
    },
    hasTenant: (tenantId) => tenants.has(tenantId),
  };
}

function createIdentities(ports: DirectoryPorts, tenants: Tenants): Identities {
  const identities = new Map<string, ManagedIdentity>();

  const put = (spec: ManagedIdentitySpec): ManagedIdentity => {
    const { newId, tenantId } = ports;
    const identity = { clientId: newId(), principalId: newId(), tenantId, ...spec };
    tenants.addTenant(identity.tenantId);
    identities.set(keyOf(spec.resourceId), identity);
    ports.changed();
    return identity;
  };
  const existing = (resourceId: string): ManagedIdentity => {
    const identity = identities.get(keyOf(resourceId));
    if (identity === undefined) throw new TypeError(`the world has no managed identity ${resourceId}`);
    return identity;
  };
  return {
    addIdentity(spec) {
      if (!isUserAssignedIdentityId(spec.resourceId))
        throw new TypeError(`not the id of a user assigned identity: ${spec.resourceId}`);
      if (identities.has(keyOf(spec.resourceId)))
        throw new TypeError(`the world already has the managed identity ${spec.resourceId}`);
      return put(spec);
    },
    deleteIdentity(resourceId) {
      existing(resourceId);
      identities.delete(keyOf(resourceId));
      ports.changed();
    },
    recreateIdentity(resourceId) {
      const { tenantId, resourceId: spelling } = existing(resourceId);
      return put({ resourceId: spelling, tenantId });
    },
    identity: existing,
    findIdentity: (resourceId) => identities.get(keyOf(resourceId)),
    identities: () => [...identities.values()],
  };
}

function createClients(ports: DirectoryPorts, tenants: Tenants, identities: Identities): Clients {
  const apps = new Map<string, App>();
  const federated = new Map<string, FederatedCredential[]>();
  const misses = new Map<string, number>();
  const clients: Clients = {
    addApp(spec) {
      const app = appFrom(spec, ports);
      for (const tenant of app.tenants) tenants.addTenant(tenant);
      apps.set(app.clientId.toLowerCase(), app);
      for (const credential of spec.federated ?? []) clients.addFederatedCredential(app.clientId, credential);
      ports.changed();
      return app;
    },
    addFederatedCredential(clientId, credential) {
      federated.set(clientId.toLowerCase(), [...clients.federatedCredentials(clientId), credential]);
      ports.changed();
    },
    removeFederatedCredentials(clientId) {
      federated.delete(clientId.toLowerCase());
      ports.changed();
    },
    federatedCredentials: (clientId) => federated.get(clientId.toLowerCase()) ?? [],
    missFederatedCredentials(clientId, times) {
      misses.set(clientId.toLowerCase(), times);
    },
    takeMiss(clientId) {
      const left = misses.get(clientId.toLowerCase()) ?? 0;
      misses.set(clientId.toLowerCase(), Math.max(0, left - 1));
      return left > 0;
    },
    client(clientId) {
      const wanted = clientId.toLowerCase();
      const identity = identities
        .identities()
        .find((candidate) => candidate.clientId.toLowerCase() === wanted);
      return apps.get(wanted) ?? (identity && appOf(identity));
    },
  };
  return clients;
}

function appFrom(spec: AppSpec, ports: DirectoryPorts): App {
  return {
    clientId: spec.clientId,
    principalId: spec.principalId ?? ports.newId(),
    tenants: [spec.tenantId ?? ports.tenantId, ...(spec.otherTenants ?? [])],
    secrets: (spec.secrets ?? []).map((secret) => (typeof secret === 'string' ? { value: secret } : secret)),
    certificates: spec.certificates ?? [],
    disabled: spec.disabled ?? false,
    ellipticCurves: spec.ellipticCurves ?? false,
  };
}

function appOf({ clientId, principalId, tenantId }: ManagedIdentity): App {
  return {
    clientId,
    principalId,
    tenants: [tenantId],
    secrets: [],
    certificates: [],
    disabled: false,
    ellipticCurves: false,
  };
}
