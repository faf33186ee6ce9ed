import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The Kubernetes test kit: beside the checkout, or at POD_IDENTITY_KIT_DIR. */
export const kitFolder = (): string =>
  process.env['POD_IDENTITY_KIT_DIR'] ?? resolve(import.meta.dirname, '../../../../../shared/kubernetes');

/** POD_IDENTITY_REQUIRE_KIT=1 forbids to skip tests without the kit. */
export const isKitRequired = (): boolean => process.env['POD_IDENTITY_REQUIRE_KIT'] === '1';

/** POD_IDENTITY_REQUIRE_PACKAGES=1 forbids to skip tests whose parts npm fetches, where the kit and programs of Debian may be missing. */
export const arePackagesRequired = (): boolean =>
  isKitRequired() || process.env['POD_IDENTITY_REQUIRE_PACKAGES'] === '1';

/** Why the kit cannot be used; undefined if it can. */
export function whatIsMissing(kit: string): string | undefined {
  if (!existsSync(join(kit, 'api-server')))
    return `there is no Kubernetes test kit at ${kit}. It is not public: .ci/run runs these tests where POD_IDENTITY_KIT_DIR names it`;
  try {
    execFileSync(join(kit, 'setup'), ['--check'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `the Kubernetes test kit is not set up: run ${join(kit, 'setup')}`;
  }
}
