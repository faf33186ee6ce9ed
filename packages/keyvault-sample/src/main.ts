// Room: an example application: reads secrets, keys and certificates of Azure Key Vault, and shows whose identity it uses.
// It must not import anything of ours but imds-client, or log, show or keep a token or the value of a secret.
import manifest from '../package.json' with { type: 'json' };
import { readConfig } from './config.ts';
import { run } from './run.ts';

// Defined by the bundler.
declare const POD_IDENTITY_COMMIT: string;
declare const POD_IDENTITY_DATE: string;

if (process.argv.includes('--version')) {
  const [commit, date] = [POD_IDENTITY_COMMIT, POD_IDENTITY_DATE];
  console.log(`keyvault-sample Version: ${manifest.version} - Commit: ${commit} - Date: ${date}`);
  process.exit();
}

const config = readConfig(process.env);
if ('problems' in config) {
  for (const problem of config.problems) console.error(problem);
  process.exit(2);
}

// As process 1 of a container it would otherwise ignore the signals, and the pod would end only when its grace period has passed.
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const code = await run(config, (line) => console.log(line), stop.signal);
// Connections of the SDK that are kept for the next request do not delay the end.
process.exit(code);
