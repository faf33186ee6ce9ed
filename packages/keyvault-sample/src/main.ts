// Room: an example application: reads secrets from Azure Key Vault with the identity of its pod.
// It must not import anything of this project: two packages of the Azure SDK are all that an application needs.
import { setTimeout as sleep } from 'node:timers/promises';
import { DefaultAzureCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import manifest from '../package.json' with { type: 'json' };
import { readConfig } from './config.ts';

// Defined by the bundler.
declare const POD_IDENTITY_COMMIT: string | undefined;
declare const POD_IDENTITY_DATE: string | undefined;

if (process.argv.includes('--version')) {
  const commit = typeof POD_IDENTITY_COMMIT === 'string' ? POD_IDENTITY_COMMIT : 'unknown';
  const date = typeof POD_IDENTITY_DATE === 'string' ? POD_IDENTITY_DATE : 'unknown';
  console.log(`keyvault-sample Version: ${manifest.version} - Commit: ${commit} - Date: ${date}`);
  process.exit();
}

const config = readConfig(process.env);
if ('problems' in config) {
  for (const problem of config.problems) console.error(problem);
  process.exit(2);
}

// As process 1 of a container it would otherwise ignore the signal, and the pod would end only when its grace period has passed.
process.once('SIGTERM', () => process.exit(0));

const client = new SecretClient(config.vaultUrl, new DefaultAzureCredential(), {
  disableChallengeResourceVerification: config.skipChallengeVerification,
});

for (let turn = 0; turn < config.reads; turn += 1) {
  if (turn > 0) await sleep(config.intervalMs);
  const name = config.secretNames[turn % config.secretNames.length] ?? '';
  try {
    const secret = await client.getSecret(name);
    // Only the version is logged, because the value is secret.
    console.log(`read secret ${name}, version ${secret.properties.version ?? 'unknown'}`);
  } catch (error) {
    console.log(`could not read secret ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
