// The oldest Node that the libraries support. Everything else here needs a later one, so it is the one of the system, if any is.
import { spawnSync } from 'node:child_process';
import { isKitRequired } from './kubernetes-kit.ts';

/** The variable is what the system's Node is called by tools/workspace/bootstrap.mjs, whatever its version is. */
const candidates = (): readonly (string | undefined)[] => [
  process.env['POD_IDENTITY_SYSTEM_NODE'],
  process.execPath,
  '/usr/local/bin/node',
  '/usr/bin/node',
];

/** The first of these programs that says it is Node 20. */
export function findNode20(among = candidates()): string | undefined {
  return among.find(
    (program) => program !== undefined && program !== '' && versionOf(program).startsWith('v20.'),
  );
}

function versionOf(program: string): string {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout : '';
}

const remedy =
  'install it, or set POD_IDENTITY_SYSTEM_NODE to one: nvm install 20, then export POD_IDENTITY_SYSTEM_NODE=$(nvm which 20)';

/** Why a suite can't run in Node 20; undefined if it can. With POD_IDENTITY_REQUIRE_KIT=1, as in CI, it throws instead. */
export function whyNoNode20(node20: string | undefined): string | undefined {
  if (node20 !== undefined) return undefined;
  const why = `there is no Node 20 here: ${remedy}`;
  if (isKitRequired()) throw new Error(why);
  return why;
}
