// The rows of behaviour.json: a client and how a program uses it.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chosenColumns, otherColumns, type Column } from './behaviour.ts';
import { clients, persistentCurl, realClients, type RealClient, type Wish } from './real-clients.ts';

export interface Player {
  readonly name: string;
  readonly client: RealClient;
  readonly wish: Wish;
}

const alone = (client: RealClient): Player => ({ name: client.name, client, wish: {} });

const { identity, olderIdentity, pythonIdentity, asyncPythonIdentity } = clients;

/** Chains of credentials, in which another one can follow. */
const chains: readonly Player[] = [identity, olderIdentity, pythonIdentity, asyncPythonIdentity].map(
  (client) => ({
    name: `${client.name}, DefaultAzureCredential`,
    client,
    wish: { credential: 'default' },
  }),
);

export const players: readonly Player[] = [...realClients.map(alone), alone(persistentCurl), ...chains];

/** The measured part: a chain retries as its credential does, so only whether it goes on is measured. */
export function columnsOf({ wish }: Player): readonly Column[] {
  return wish.credential === 'default' ? chosenColumns : [...chosenColumns, ...otherColumns];
}

/** The token of the credential that follows managed identity in a chain. */
export const tokenOfAz = 'token-of-az';

/** A PATH on which DefaultAzureCredential finds what it runs after managed identity: the command line of Azure. */
export async function pathWithAz(folder: string): Promise<string> {
  const path = join(folder, 'bin');
  await mkdir(path, { recursive: true });
  const token = {
    accessToken: tokenOfAz,
    expiresOn: '2099-01-01 00:00:00.000000',
    expires_on: 4_070_908_800,
  };
  await writeFile(join(path, 'az'), `#!/bin/sh\necho '${JSON.stringify(token)}'\n`, { mode: 0o755 });
  return path;
}
