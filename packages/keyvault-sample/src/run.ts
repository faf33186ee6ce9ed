import type { Server } from 'node:http';
import type { SampleConfig } from './config.ts';
import { createCredential, reportingIdentity } from './credential.ts';
import { renderPage } from './page.ts';
import type { Proxies } from './proxy.ts';
import { createRounds, longestRoundMs, type Rounds } from './rounds.ts';
import { addressOf, remedyForAddress, startServer } from './server.ts';
import { healthOf } from './status.ts';
import { createVaultReader, type UseSecret } from './vault-reader.ts';

export interface RunPorts {
  readonly say: (line: string) => void;
  readonly useSecret: UseSecret;
  readonly proxies: Proxies;
  /** Ends the program. */
  readonly stop: AbortSignal;
}

/** The whole program; its exit code. */
export async function run(
  config: SampleConfig,
  { say, useSecret, proxies, stop }: RunPorts,
): Promise<number> {
  for (const warning of config.warnings) say(`warning: ${warning}`);
  const rounds = createRounds(config, { say, proxies, now: () => new Date() });
  const created = await createCredential(config).catch((error: unknown) => asError(error));
  if (created instanceof Error) {
    say(`the credential cannot be created: ${created.message}`);
    return 2;
  }
  const credential = reportingIdentity(created, rounds.noteIdentity);
  const vault = createVaultReader(config, credential, useSecret);
  // A program that ends after a few reads needs no web page.
  const server = config.reads === Infinity ? await openPage(config, rounds) : undefined;
  if (server instanceof Error) {
    say(`the web page cannot be opened: ${server.message}. ${remedyForAddress(server)}.`);
    return 1;
  }
  if (server !== undefined) say(`web page on ${addressOf(server)}`);
  try {
    const failed = await rounds.run(vault, stop);
    return failed > 0 && !stop.aborted ? 1 : 0;
  } finally {
    server?.close().closeAllConnections();
  }
}

async function openPage({ port, address, items }: SampleConfig, { status }: Rounds): Promise<Server | Error> {
  // With time for what is done between reads.
  const mostMs = () => longestRoundMs(items, status()) + 60_000;
  const pages = {
    page: () => renderPage(status(), new Date()),
    health: () => healthOf(status(), { now: new Date(), longestRoundMs: mostMs() }),
  };
  try {
    return await startServer(pages, { port, address });
  } catch (error) {
    return asError(error);
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
