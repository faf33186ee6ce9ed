import type { Server } from 'node:http';
import type { SampleConfig } from './config.ts';
import { createCredential, reportingIdentity } from './credential.ts';
import { renderPage } from './page.ts';
import { createRounds, readDeadlineMs, type Rounds } from './rounds.ts';
import { addressOf, startServer } from './server.ts';
import { healthOf } from './status.ts';
import { createVaultReader, type UseSecret } from './vault-reader.ts';

export interface RunPorts {
  readonly say: (line: string) => void;
  readonly useSecret: UseSecret;
  /** The environment variable that sends requests for the vault to a proxy. */
  readonly proxyVariable: string | undefined;
  /** Ends the program. */
  readonly stop: AbortSignal;
}

/** The whole program; its exit code. */
export async function run(
  config: SampleConfig,
  { say, useSecret, proxyVariable, stop }: RunPorts,
): Promise<number> {
  for (const warning of config.warnings) say(`warning: ${warning}`);
  const rounds = createRounds(config, { say, proxyVariable, now: () => new Date() });
  const credential = reportingIdentity(await createCredential(config), rounds.noteIdentity);
  const read = createVaultReader(config, credential, useSecret);
  // A program that ends after a few reads needs no web page.
  const server = config.reads === Infinity ? await openPage(config, rounds) : undefined;
  if (server instanceof Error) {
    say(`the web page cannot be opened: ${server.message}. Set PORT to a free one.`);
    return 1;
  }
  if (server !== undefined) say(`web page on ${addressOf(server)}`);
  try {
    const failed = await rounds.run(read, stop);
    return failed > 0 && !stop.aborted ? 1 : 0;
  } finally {
    server?.close().closeAllConnections();
  }
}

async function openPage({ port, address, items }: SampleConfig, { status }: Rounds): Promise<Server | Error> {
  const longestRoundMs = items.length * readDeadlineMs + 60_000;
  const pages = {
    page: () => renderPage(status(), new Date()),
    health: () => healthOf(status(), { now: new Date(), longestRoundMs }),
  };
  try {
    return await startServer(pages, { port, address });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
