import type { TokenCredential } from '@azure/identity';
import { createImdsCredential } from '@pod-identity/imds-client';
import type { SampleConfig } from './config.ts';
import { identityOf } from './identity.ts';
import { renderPage } from './page.ts';
import { Rounds } from './rounds.ts';
import { addressOf, startServer } from './server.ts';
import { openVault, podCredential } from './vault.ts';

type Say = (line: string) => void;

/** The whole program, until the signal is aborted; its exit code. */
export async function run(config: SampleConfig, say: Say, stop: AbortSignal): Promise<number> {
  const { vaultUrl, skipChallengeVerification, reads } = config;
  const rounds = new Rounds(config, say);
  let credential: TokenCredential;
  try {
    credential = reporting(credentialOf(config), rounds);
  } catch (error) {
    say(`the credential cannot be created: ${asError(error).message}`);
    return 2;
  }
  const options = { disableChallengeResourceVerification: skipChallengeVerification };
  const vault = openVault(vaultUrl, credential, options);
  const page = () => renderPage(config, rounds.known(), new Date());
  // A program that ends after a few reads needs no web page.
  const server = reads === Infinity ? await startServer(page, config).catch(asError) : undefined;
  if (server instanceof Error) {
    say(`the web page cannot be opened: ${server.message}. ${remedy}`);
    return 1;
  }
  if (server !== undefined) say(`web page on ${addressOf(server)}`);
  const failed = await rounds.run(vault, stop);
  server?.close().closeAllConnections();
  return failed > 0 && !stop.aborted ? 1 : 0;
}

const remedy =
  'Set PORT to a free one of 1024 or more. Set LISTEN_ADDRESS to an address of this pod, or leave it out.';

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function credentialOf({ isImds, clientId }: SampleConfig): TokenCredential {
  if (!isImds) return podCredential(clientId);
  return createImdsCredential(clientId === undefined ? {} : { identity: { clientId } });
}

/** The same credential, which reports whose tokens it gives. */
const reporting = (credential: TokenCredential, rounds: Rounds): TokenCredential => ({
  async getToken(scopes, options) {
    const token = await credential.getToken(scopes, options);
    const identity = token === null ? undefined : identityOf(token.token);
    if (identity !== undefined) rounds.noteIdentity(identity);
    return token;
  },
});
