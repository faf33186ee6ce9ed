// Stryker's instrumenter writes a copy of a room's sources that holds all its mutants, each behind a switch.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import type { Site } from './judge.ts';

const silent = () => undefined;
const no = () => false;
const logger = {
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  fatal: silent,
  isTraceEnabled: no,
  isDebugEnabled: no,
  isInfoEnabled: no,
  isWarnEnabled: no,
  isErrorEnabled: no,
  isFatalEnabled: no,
};

/** Paths from the root of the repository, or patterns; of a folder its sources. Tests are left out. */
export function sourcesOf(root: string, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    const files = path.endsWith('/') ? `${path}**/*.ts` : path;
    return globSync(files, { cwd: root }).filter((file) => !/\.test(-d)?\.ts$|\/test\//.test(file));
  });
}

export async function instrument(
  root: string,
  files: readonly string[],
  copies: string,
): Promise<readonly Site[]> {
  rmSync(copies, { recursive: true, force: true });
  const sources = files.map((name) => ({
    name,
    mutate: true,
    content: readFileSync(join(root, name), 'utf8'),
  }));
  const result = await new Instrumenter(logger).instrument(sources, {
    plugins: null,
    // Texts are not decisions: tests need not check each word of a message.
    excludedMutations: ['StringLiteral'],
    ignorers: [],
  });
  for (const { name, content } of result.files) {
    mkdirSync(dirname(join(copies, name)), { recursive: true });
    writeFileSync(join(copies, name), content);
  }
  const linesOf = new Map(sources.map(({ name, content }) => [name, content.split('\n')]));
  return result.mutants
    .filter(({ status }) => status !== 'Ignored')
    .map(({ id, fileName: file, location, replacement }) => {
      const lines = linesOf.get(file) ?? [];
      const { line } = location.start;
      return {
        id,
        file,
        line: line + 1,
        inLine: (lines[line] ?? '').trim(),
        original: textAt(lines, location),
        replacement,
      };
    });
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Lines and columns count from 0. */
function textAt(
  all: readonly string[],
  { start, end }: { readonly start: Place; readonly end: Place },
): string {
  const lines = all.slice(start.line, end.line + 1);
  const last = lines.length - 1;
  return lines
    .map((text, i) => text.slice(i === 0 ? start.column : 0, i === last ? end.column : undefined))
    .join('\n');
}
