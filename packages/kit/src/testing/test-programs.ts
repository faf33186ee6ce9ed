// The programs beyond Node.js and npm that suites run. `.ci/run` installs them.
import { spawnSync } from 'node:child_process';
import { isKitRequired } from './kubernetes-kit.ts';
import list from './test-programs.json' with { type: 'json' };

export type TestProgram = keyof typeof list;

export interface TestNeeds {
  readonly programs: readonly TestProgram[];
  /** For suites that create network namespaces. */
  readonly root?: boolean;
}

/**
 * Why a suite can't run: the missing programs and the command that installs them. Undefined if it can. With
 * POD_IDENTITY_REQUIRE_KIT=1, as in CI, it throws instead.
 */
export function whyNoPrograms(needs: TestNeeds): string | undefined {
  const isUser = needs.root === true && process.getuid?.() !== 0;
  const reasons = [isUser ? needsRoot : undefined, describeMissing(needs.programs)];
  const why = reasons.filter((reason) => reason !== undefined).join('; ') || undefined;
  if (why !== undefined && isKitRequired()) throw new Error(why);
  return why;
}

const needsRoot = 'it needs root on Linux: sudo node tools/workspace/bootstrap.mjs test:rest';

function describeMissing(programs: readonly TestProgram[]): string | undefined {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((program) => list[program].package))];
  return `missing: ${missing.join(', ')}. On Debian: apt-get install ${packages.join(' ')}`;
}

const known = new Map<TestProgram, boolean>();

function isInstalled(program: TestProgram): boolean {
  const found = known.get(program);
  if (found !== undefined) return found;
  const [executable = '', ...args] = list[program].try;
  const works = spawnSync(executable, args, { stdio: 'ignore' }).status === 0;
  known.set(program, works);
  return works;
}
