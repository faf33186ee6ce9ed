import { createVersions, type VersionPorts } from './vault-versions.ts';
import type {
  CertificateVersion,
  Kind,
  KeyVersion,
  Lifetime,
  SecretVersion,
  VaultFirewall,
} from './vault-objects.ts';

export interface Vault {
  readonly name: string;
  readonly tenantId: string;
  /** Oldest version first, by name in lower case. */
  readonly secrets: ReadonlyMap<string, readonly SecretVersion[]>;
  readonly keys: ReadonlyMap<string, readonly KeyVersion[]>;
  readonly certificates: ReadonlyMap<string, readonly CertificateVersion[]>;
  /** Principal ids that may read secrets. */
  readonly readers: ReadonlySet<string>;
  readonly firewall: VaultFirewall;
  mayRead(principalId: string, kind: Kind): boolean;
}

export interface VaultSpec {
  readonly name: string;
  readonly tenantId?: string;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Principal ids that may read secrets. */
  readonly readers?: readonly string[];
}

export interface SecretSpec extends Lifetime {
  readonly value: string;
}

export interface Vaults {
  addVault(spec: VaultSpec): void;
  vault(name: string): Vault | undefined;
  vaults(): readonly Vault[];
  /** A new version. */
  setSecret(vault: string, name: string, value: string | SecretSpec): SecretVersion;
  /** A new version of an RSA key. */
  addKey(vault: string, name: string, lifetime?: Lifetime): KeyVersion;
  /** A new version of a self-signed certificate, with its key and its secret. */
  addCertificate(vault: string, name: string, lifetime?: Lifetime): CertificateVersion;
  /** Kinds: secrets when absent. */
  allowRead(vault: string, principalId: string, kinds?: readonly Kind[]): void;
  denyRead(vault: string, principalId: string): void;
  /** Which networks reach the vault: requests of others are refused. */
  setFirewall(vault: string, firewall: VaultFirewall): void;
}

interface VaultPorts extends VersionPorts {
  readonly tenantId: string;
  readonly changed: () => void;
}

interface MutableVault extends Vault {
  readonly secrets: Map<string, SecretVersion[]>;
  readonly keys: Map<string, KeyVersion[]>;
  readonly certificates: Map<string, CertificateVersion[]>;
  readonly allowed: Readonly<Record<Kind, Set<string>>>;
  firewall: VaultFirewall;
}

export function createVaults(ports: VaultPorts): Vaults {
  const vaults = new Map<string, MutableVault>();
  const versions = createVersions(ports);
  const existing = (name: string): MutableVault => vaults.get(name) ?? unknown(name);
  const add = <V>(objects: Map<string, V[]>, name: string, version: V): V => {
    append(objects, name.toLowerCase(), version);
    ports.changed();
    return version;
  };
  const registry: Vaults = {
    addVault({ name, tenantId = ports.tenantId, secrets = {}, readers = [] }) {
      if (vaults.has(name)) throw new TypeError(`the world already has the vault ${name}`);
      vaults.set(name, emptyVault({ name, tenantId, readers }));
      for (const [secret, value] of Object.entries(secrets)) registry.setSecret(name, secret, value);
      ports.changed();
    },
    vault: (name) => vaults.get(name),
    vaults: () => [...vaults.values()],
    setSecret: (vault, name, value) =>
      add(existing(vault).secrets, name, versions.secret(typeof value === 'string' ? { value } : value)),
    addKey: (vault, name, lifetime = {}) => add(existing(vault).keys, name, versions.key(lifetime)),
    addCertificate(vault, name, lifetime = {}) {
      const made = versions.certificate(name, lifetime);
      add(existing(vault).secrets, name, made.secret);
      add(existing(vault).keys, name, made.key);
      return add(existing(vault).certificates, name, made.certificate);
    },
    allowRead(vault, principalId, kinds = ['secrets']) {
      for (const kind of kinds) existing(vault).allowed[kind].add(principalId);
      ports.changed();
    },
    denyRead(vault, principalId) {
      for (const allowed of Object.values(existing(vault).allowed)) allowed.delete(principalId);
      ports.changed();
    },
    setFirewall(vault, firewall) {
      existing(vault).firewall = firewall;
      ports.changed();
    },
  };
  return registry;
}

function unknown(name: string): never {
  throw new TypeError(`the world has no vault ${name}`);
}

function append<V>(objects: Map<string, V[]>, name: string, version: V): void {
  objects.set(name, [...(objects.get(name) ?? []), version]);
}

function emptyVault({ name, tenantId, readers }: Required<Omit<VaultSpec, 'secrets'>>): MutableVault {
  const allowed = { secrets: new Set(readers), keys: new Set<string>(), certificates: new Set<string>() };
  return {
    name,
    tenantId,
    secrets: new Map(),
    keys: new Map(),
    certificates: new Map(),
    allowed,
    readers: allowed.secrets,
    firewall: 'open',
    mayRead: (principalId, kind) => allowed[kind].has(principalId),
  };
}
