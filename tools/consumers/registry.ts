import { arePackagesRequired } from '@pod-identity/kit/testing';
import { runCommand } from '../stage/run-command.ts';

const patienceMs = 60_000;

/** Why npm gets nothing from its registry; undefined if it does. With POD_IDENTITY_REQUIRE_PACKAGES=1 or in CI it throws instead. */
export async function whyNoRegistry(): Promise<string | undefined> {
  try {
    // Asks the registry also where the answer is in npm's cache.
    const retries = `--fetch-retries=${arePackagesRequired() ? 3 : 0}`;
    await runCommand(
      'npm',
      [
        'view',
        '@azure/identity',
        'name',
        '--prefer-online',
        retries,
        '--fetch-retry-mintimeout=1000',
        '--loglevel=error',
      ],
      patienceMs,
    );
    return undefined;
  } catch (error) {
    if (arePackagesRequired()) throw error;
    return `npm gets nothing from its registry: ${String(error)}`;
  }
}
