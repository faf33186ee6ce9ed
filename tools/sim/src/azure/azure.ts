import { randomUUID } from 'node:crypto';
import type { HttpHandler } from '../http/server.ts';
import type { HostRules } from './arm-hosts.ts';
import { createLimits, noLimits } from './arm-limits.ts';
import { createOperations, type After, type Operations } from './arm-operations.ts';
import { createArm } from './arm.ts';
import { createEntra } from './entra.ts';
import { createImds } from './imds.ts';
import { discoverKeys, type FetchIssuerKeys } from './issuer-keys.ts';
import { createKeyVault } from './key-vault.ts';
import { createReadNotes, type ReadNotes } from './reads.ts';
import { createTokens, type Tokens } from './tokens.ts';
import { createWorld, type World } from './world.ts';

export interface AzureOptions {
  /** Fills the world before the listeners open, so that its machines and vaults have listeners at once. */
  readonly seed?: (world: World) => void;
  readonly tenantId?: string;
  readonly now?: () => number;
  readonly newId?: () => string;
  /** The timer behind ARM's latency. */
  readonly after?: After;
  /** Tokens are signed with a key that no other simulator of the process has. */
  readonly ownKeys?: boolean;
  /** 3600 when absent. */
  readonly tokenLifetimeSeconds?: number;
  /** How long an accepted PATCH runs; 50 when absent. */
  readonly armLatencyMs?: number | HostRules['latencyMs'];
  /** Compute's token buckets: 12 updates of a resource, 4 more each minute. */
  readonly throttle?: boolean;
  /** ARM refuses actions that no granted role allows. */
  readonly enforceRoles?: boolean;
  /** IMDS returns 429 beyond 20 requests in a second or 5 at a time. */
  readonly enforceImdsLimits?: boolean;
  readonly concurrentUpdates?: HostRules['concurrentUpdates'];
  readonly longRunning?: HostRules['longRunning'];
  /** Refuse any PATCH that leaves a deleted identity attached. */
  readonly rejectDeadEntries?: boolean;
  /** Leave the id out of the refusal of an identity that does not exist. */
  readonly anonymousRefusals?: boolean;
  /**
   * The addresses in responses, when clients reach the services by others than those they listen on: through a relay, by Azure's own
   * names. The certificate has the public names of Azure.
   */
  readonly publicUrls?: PublicUrls;
  /** Where the keys of an issuer come from if its credential has none; by OpenID discovery at the issuer when absent. */
  readonly fetchIssuerKeys?: FetchIssuerKeys;
}

export interface PublicUrls {
  readonly arm?: string;
  readonly entra?: string;
  readonly vault?: (name: string) => string;
}

/** Where each service listens; called at each request. */
interface AzureUrls {
  readonly entra: () => string;
  readonly vault: (name: string) => string;
}

/** The four services as functions from request to response, over one world. */
export interface Azure {
  readonly world: World;
  readonly tokens: Tokens;
  readonly operations: Operations;
  readonly reads: ReadNotes;
  readonly entra: HttpHandler;
  /** Links in its responses start with the base URL, which has no slash at the end. */
  arm(baseUrl: () => string): HttpHandler;
  imds(machine: string): HttpHandler;
  vault(name: string): HttpHandler;
}

export async function createAzure(options: AzureOptions, urls: AzureUrls): Promise<Azure> {
  const { now = Date.now, newId = randomUUID, tokenLifetimeSeconds: lifetimeSeconds = 3600 } = options;
  const world = createWorld({
    now,
    newId,
    ...(options.tenantId === undefined ? {} : { tenantId: options.tenantId }),
  });
  options.seed?.(world);
  const tokens = await createTokens({ now, newId, lifetimeSeconds, ownKeys: options.ownKeys === true });
  const operations = createOperations({
    now,
    newId,
    after: options.after ?? realTimer,
    ended: (hostId, state) => world.endUpdate(hostId, state),
  });
  const shared = { world, tokens, now, newId };
  const armPorts = {
    ...shared,
    operations,
    rules: hostRules(options),
    enforceRoles: options.enforceRoles ?? false,
    limits: options.throttle ? createLimits(now) : noLimits,
  };
  const reads = createReadNotes();
  const vaultPorts = { ...shared, authorityUrl: urls.entra, vaultUrl: urls.vault, onRead: reads.note };
  const fetchIssuerKeys = options.fetchIssuerKeys ?? discoverKeys;
  return {
    world,
    tokens,
    operations,
    reads,
    entra: createEntra({ ...shared, baseUrl: urls.entra, fetchIssuerKeys }),
    arm: (baseUrl) => createArm({ ...armPorts, baseUrl }),
    imds: (machine) => createImds(machine, { ...shared, enforceLimits: options.enforceImdsLimits ?? false }),
    vault: (name) => createKeyVault(name, vaultPorts),
  };
}

const realTimer: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return { cancel: () => clearTimeout(timer) };
};

function hostRules(options: AzureOptions): HostRules {
  const { armLatencyMs = 50 } = options;
  return {
    latencyMs: typeof armLatencyMs === 'number' ? () => armLatencyMs : armLatencyMs,
    concurrentUpdates: options.concurrentUpdates ?? 'conflict',
    longRunning: options.longRunning ?? 'azure-async-operation',
    rejectDeadEntries: options.rejectDeadEntries ?? false,
    anonymousRefusals: options.anonymousRefusals ?? false,
  };
}
