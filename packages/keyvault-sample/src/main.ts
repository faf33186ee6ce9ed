// Room: an example application: reads secrets, keys and certificates of Azure Key Vault, and shows whose identity it uses.
// It must not import anything of ours but imds-client, or log, show or keep a token or the value of a secret.
import manifest from '../package.json' with { type: 'json' };
import { readConfig } from './config.ts';
import { placeOfError } from './error-facts.ts';
import { proxiesOf } from './proxy.ts';
import { run } from './run.ts';

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

// As process 1 of a container it would otherwise ignore the signals, and the pod would end only when its grace period has passed.
const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());

const code = await run(config, {
  say: (line) => console.log(line),
  useSecret: () => {
    // Here your program takes the value: for example, it connects to its database again if the value is another one than before.
  },
  proxies: proxiesOf(process.env, config),
  stop: stop.signal,
}).catch((error: unknown) => {
  // The text of the error can have anything, such as the password of a proxy.
  console.error(`the program failed: ${placeOfError(error)}`);
  return 1;
});
// Connections of the SDK that are kept for the next request do not delay the end.
process.exit(code);
