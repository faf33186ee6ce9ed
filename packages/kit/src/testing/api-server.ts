import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { restartProcess, untilWorks } from './cluster-restart.ts';
import { isKitRequired, kitFolder, whatIsMissing } from './kubernetes-kit.ts';

const run = promisify(execFile);

export type ApiServerFlavour = 'v1.36' | 'v1.34' | 'v1.20' | 'assets';

export interface ApiServerOptions {
  /** `assets` are the binaries in KUBEBUILDER_ASSETS: the default if that is set, else v1.36. */
  readonly flavour?: ApiServerFlavour;
  /** With the controllers of its version. */
  readonly hasControllers?: boolean;
  /** More of its own. */
  readonly flags?: readonly string[];
}

export interface RunningApiServer {
  /** The path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The folder of the certificates, such as `ca.crt`, `admin.crt` and `admin.key`. */
  readonly certificates: string;
  readonly server: string;
  /** A token of a ServiceAccount, `namespace/name`, which is created if needed. */
  token(account: string): Promise<string>;
  /** Kills it, does this while it is away, and starts it again with its state; resolves when it is ready. */
  restart(whileAway: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a real API server from the Kubernetes test kit beside the checkout, or at POD_IDENTITY_KIT_DIR. Without a kit returns the
 * reason; with POD_IDENTITY_REQUIRE_KIT=1 that is an error.
 */
export async function startApiServer(
  options: ApiServerOptions = {},
): Promise<RunningApiServer | { readonly skipped: string }> {
  const kit = kitFolder();
  const skipped = whatIsMissing(kit);
  if (skipped !== undefined) {
    if (isKitRequired()) throw new Error(skipped);
    return { skipped };
  }
  for (let start = 1; ; start += 1) {
    try {
      return await startOnce(kit, options);
    } catch (error) {
      if (start === starts || !String(error).includes('address already in use')) throw error;
    }
  }
}

/** The kit looks for free ports and listens on them seconds later; another API server may take one between. */
const starts = 3;

async function startOnce(kit: string, options: ApiServerOptions): Promise<RunningApiServer> {
  const { flavour = process.env['KUBEBUILDER_ASSETS'] ? 'assets' : 'v1.36', flags = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'pod-identity-api-server-'));
  const directory = join(folder, 'state');
  const command = (...args: string[]) => run(join(kit, 'api-server'), args);
  const stop = async () => {
    await command('down', directory);
    await rm(folder, { recursive: true, force: true });
  };

  try {
    const more = options.hasControllers === true ? ['--controllers'] : [];
    const own = flags.length > 0 ? ['--', ...flags] : [];
    await command('up', directory, '--flavour', flavour, ...more, ...own);
    const facts = JSON.parse(await readFile(join(directory, 'kit.json'), 'utf8')) as {
      readonly server: string;
    };
    return {
      kubeconfig: join(directory, 'admin.kubeconfig'),
      certificates: join(directory, 'pki'),
      server: facts.server,
      token: async (account) => (await command('token', directory, account)).stdout.trim(),
      restart: async (whileAway) => {
        const server = await restartProcess({ directory, name: 'api-server', between: whileAway });
        await untilWorks('the API server after its restart', async () => {
          await server.startIfEnded();
          await command('status', directory);
        });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The reason to skip; undefined if a real API server can start, and with POD_IDENTITY_REQUIRE_KIT=1. */
export function whyNoApiServer(): string | undefined {
  return isKitRequired() ? undefined : whatIsMissing(kitFolder());
}
