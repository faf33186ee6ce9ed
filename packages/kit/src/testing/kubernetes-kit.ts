import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where the Kubernetes test kit is: beside the checkout unless POD_IDENTITY_KIT_DIR says otherwise. */
export const kitFolder = (): string =>
  process.env['POD_IDENTITY_KIT_DIR'] ?? resolve(import.meta.dirname, '../../../../../shared/kubernetes');

/** With POD_IDENTITY_REQUIRE_KIT=1 nothing may be skipped because the kit is missing. */
export const isKitRequired = (): boolean => process.env['POD_IDENTITY_REQUIRE_KIT'] === '1';

/** Why the kit cannot be used; undefined when it can. */
export function whatIsMissing(kit: string): string | undefined {
  if (!existsSync(join(kit, 'api-server'))) return `there is no Kubernetes test kit at ${kit}`;
  try {
    execFileSync(join(kit, 'setup'), ['--check'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `the Kubernetes test kit is not set up: run ${join(kit, 'setup')}`;
  }
}
