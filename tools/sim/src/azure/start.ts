import type { Faults } from '../http/faults.ts';
import type { Journal } from '../http/journal.ts';
import type { Hold, OperationFault } from './arm-operations.ts';
import { createAzure, type Azure, type AzureOptions, type PublicUrls } from './azure.ts';
import { countCalls, type AzureCalls } from './calls.ts';
import { createServerCertificate } from './cert.ts';
import { createDoors, type Door, type Doors } from './doors.ts';
import { readsIn, type JournaledRead } from './reads.ts';
import type { MintedToken, TokenSubject } from './tokens.ts';
import type { World } from './world.ts';

export interface AzureSim {
  /** http. */
  readonly armUrl: string;
  /** The same over https: Azure's SDKs send tokens only over https. */
  readonly armSecureUrl: string;
  readonly entraUrl: string;
  vaultUrl(name: string): string;
  /** Of a virtual machine or scale set instance, by its name. */
  imdsUrl(machine: string): string;
  readonly caFile: string;
  readonly world: World;
  readonly journal: Journal;
  readonly faults: Faults;
  /** Opens the listeners of machines and vaults that were added later. */
  ready(): Promise<void>;
  /** A token as from Entra, for tests of other services. */
  mint(subject: TokenSubject, audience: string): Promise<MintedToken>;
  /** Accepted updates stay in progress until released. */
  holdOperations(): Hold;
  /** Accepted updates of hosts for which the fault returns an error fail at their end; the returned function ends this. */
  failOperations(fault: OperationFault): () => void;
  /** The numbers of calls so far. */
  calls(): AzureCalls;
  /** Successful reads of secrets, in order. */
  reads(): readonly JournaledRead[];
  stop(): Promise<void>;
}

/** Azure on loopback: every service listens on a port of its own, every machine and vault too. */
export async function startAzure(
  options: AzureOptions,
  shared: { readonly journal: Journal; readonly faults: Faults },
): Promise<AzureSim> {
  // First, so that an error in the seed leaves no files or listeners.
  const { publicUrls = {} } = options;
  const azure = await createAzure(options, {
    entra: () => publicUrls.entra ?? doors.url('entra'),
    vault: (name) => publicUrls.vault?.(name) ?? doors.url('vault', name),
  });
  const certificate = await createServerCertificate();
  const doors = createDoors({ ...shared, ...(options.now ? { now: options.now } : {}), tls: certificate });
  await openAll(doors, azure, publicUrls);
  return {
    ...shared,
    world: azure.world,
    caFile: certificate.caFile,
    armUrl: doors.url('arm'),
    armSecureUrl: doors.url('arm', 'secure'),
    entraUrl: doors.url('entra'),
    vaultUrl: (name) => doors.url('vault', name),
    imdsUrl: (machine) => doors.url('imds', machine),
    ready: () => openAll(doors, azure, publicUrls),
    mint: (subject, audience) => azure.tokens.mint(subject, audience),
    holdOperations: () => azure.operations.hold(),
    failOperations: (fault) => azure.operations.failWhile(fault),
    calls: () => countCalls(shared.journal),
    reads: () => readsIn(shared.journal),
    async stop() {
      azure.operations.stop();
      await doors.close();
      await certificate.dispose();
    },
  };
}

async function openAll(doors: Doors, azure: Azure, publicUrls: PublicUrls): Promise<void> {
  const arm = { service: 'arm', journalBody: ({ body }) => body || undefined } satisfies Door;
  const vault = { service: 'vault', secure: true, journalBody: azure.reads.journalBody } satisfies Door;
  await Promise.all([
    doors.open(
      arm,
      azure.arm(() => publicUrls.arm ?? doors.url('arm')),
    ),
    doors.open(
      { ...arm, name: 'secure', secure: true },
      azure.arm(() => doors.url('arm', 'secure')),
    ),
    doors.open({ service: 'entra', secure: true }, azure.entra),
    ...azure.world.machines().map(({ name }) => doors.open({ service: 'imds', name }, azure.imds(name))),
    ...azure.world.vaults().map(({ name }) => doors.open({ ...vault, name }, azure.vault(name))),
  ]);
}
