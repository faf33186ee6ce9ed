// Runs a room's tests on all its mutants in one Vitest: a process for each test file, and another one where a mutant left damage behind.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createVitest, type TestSpecification, type Vitest } from 'vitest/node';
import type { Outcome } from './judge.ts';
import { createLedger, enter, type Ledger } from './ledger.ts';
import { parseNotes, type Plan } from './notes.ts';

/** A process without a heartbeat for so long is in an endless loop. */
const longestSilenceMs = 20_000;
const quickMs = 150;
const mostProcesses = 500;

export interface Room {
  readonly root: string;
  /** From the root. */
  readonly sources: readonly string[];
  /** The folder of the sources with the mutants, and of the notes. */
  readonly box: string;
  /** Ids of all mutants, of those that tests should kill, and of those that only run with the quick tests next to the code. */
  readonly mutants: readonly string[];
  readonly wanted: readonly string[];
  readonly tried: readonly string[];
  /** The file of each mutant. */
  readonly sourceOf: ReadonlyMap<string, string>;
}

export interface Measured {
  /** By the id of the mutant. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Tests that fail without a mutant, and the error. */
  readonly useless: ReadonlyMap<string, string>;
}

export async function measure(room: Room): Promise<Measured> {
  process.env['MUTATE_SOURCES'] = join(room.box, 'sources');
  process.env['MUTATE_PLAN'] = join(room.box, 'plan.json');
  const vitest = await createVitest(
    {
      root: room.root,
      config: join(import.meta.dirname, 'vitest.config.ts'),
      watch: false,
      maxWorkers: 1,
      maxConcurrency: 1,
      reporters: [{}],
      silent: true,
    },
    { logLevel: 'silent' },
  );
  try {
    return await new Round(room, vitest).run();
  } finally {
    await vitest.close();
  }
}

class Round {
  private readonly ledger: Ledger = createLedger();
  private readonly room: Room;
  private readonly vitest: Vitest;

  constructor(room: Room, vitest: Vitest) {
    this.room = room;
    this.vitest = vitest;
  }

  async run(): Promise<Measured> {
    const { wanted, tried } = this.room;
    const files = await this.testFiles();
    const near = files
      .filter((file) => this.isNear(file))
      .toSorted((a, b) => Number(this.isOwn(b)) - Number(this.isOwn(a)));
    for (const file of near) await this.judgeAll(file, [...wanted, ...tried], quickMs);
    await this.judgeSlow(near);
    for (const mutant of this.living(wanted)) await this.judgeFresh(mutant, near);
    for (const file of files) if (!near.includes(file)) await this.judgeAll(file, wanted, quickMs);
    return { outcomes: this.outcomes(), useless: this.ledger.useless };
  }

  private living(mutants: readonly string[]): readonly string[] {
    return mutants.filter((id) => !this.ledger.killed.has(id));
  }

  private outcomes(): ReadonlyMap<string, Outcome> {
    const reached = new Set([...this.ledger.reached.values()].flatMap((ids) => [...ids]));
    return new Map(
      this.room.mutants.map((id) => [
        id,
        this.ledger.killed.get(id)?.cause ?? (reached.has(id) ? 'lives' : 'unreached'),
      ]),
    );
  }

  /** Runs each of the file's tests with each living mutant that it reaches. */
  private async judgeAll(file: TestSpecification, among: readonly string[], untilMs: number): Promise<void> {
    if (this.living(among).length === 0) return;
    for (let left = mostProcesses; left > 0; left--) {
      const { finished, tried } = this.ledger;
      const isUnfinished = await this.runFile(file, {
        mutants: this.living(among),
        fresh: undefined,
        finished: [...finished],
        tried: [...tried],
        untilMs,
      });
      if (!isUnfinished) return;
    }
  }

  /** The slow tests, which are left for the second round. */
  private async judgeSlow(files: readonly TestSpecification[]): Promise<void> {
    const { slow, finished } = this.ledger;
    for (const test of slow.keys()) finished.delete(test);
    const all = [...slow.values()];
    for (const file of files) {
      const living = new Set(this.living(this.room.wanted));
      const isNeeded = all.some(
        (one) => one.file === file.moduleId && one.mutants.some((id) => living.has(id)),
      );
      if (isNeeded) await this.judgeAll(file, this.room.wanted, Number.MAX_VALUE);
    }
  }

  /**
   * Starts processes with the mutant on, until a test notices it: for code that only runs at an import. Of
   * the tests next to the code those of its file run first.
   */
  private async judgeFresh(mutant: string, near: readonly TestSpecification[]): Promise<void> {
    const { imported, useless, killed } = this.ledger;
    const own = this.room.sourceOf.get(mutant)?.replace(/ts$/, 'test.ts') ?? '';
    const isOwn = ({ moduleId }: TestSpecification): number => Number(moduleId.endsWith(own));
    const those = near.filter(({ moduleId }) => imported.get(moduleId)?.has(mutant));
    for (const file of those.toSorted((a, b) => isOwn(b) - isOwn(a))) {
      if (killed.has(mutant)) return;
      const plan = { mutants: [], fresh: mutant, finished: [...useless.keys()], tried: [], untilMs: 0 };
      await this.runFile(file, plan);
    }
  }

  private async runFile(file: TestSpecification, plan: Omit<Plan, 'notes' | 'usualMs'>): Promise<boolean> {
    const notes = join(this.room.box, 'notes');
    mkdirSync(this.room.box, { recursive: true });
    writeFileSync(notes, '');
    const usualMs = Object.fromEntries(this.ledger.usualMs);
    writeFileSync(
      join(this.room.box, 'plan.json'),
      JSON.stringify({ ...plan, notes, usualMs } satisfies Plan),
    );
    const watch = setInterval(() => endIfSilent(notes), 1_000);
    await this.vitest.runTestSpecifications([file]).finally(() => clearInterval(watch));
    return enter(this.ledger, file.moduleId, parseNotes(readFileSync(notes, 'utf8')));
  }

  /** The test files that import a source of the room. */
  private async testFiles(): Promise<readonly TestSpecification[]> {
    this.vitest.config.related = this.room.sources.map((file) => join(this.room.root, file));
    const all = await this.vitest.getRelevantTestSpecifications();
    return all.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  }

  /** The test of one of the sources, by its name: mutants that it kills need not run with other tests. */
  private isOwn({ moduleId }: TestSpecification): boolean {
    const tested = relative(this.room.root, moduleId).replace(/(\.[a-z]+)?\.test\.ts$/, '.ts');
    return this.room.sources.includes(tested);
  }

  /** Next to the code: a test of the room itself, which should notice changes there. */
  private isNear({ moduleId }: TestSpecification): boolean {
    const { root, sources } = this.room;
    const file = relative(root, moduleId);
    return sources.some((source) => file.startsWith(`${dirname(source)}/`));
  }
}

function endIfSilent(notes: string): void {
  if (Date.now() - statSync(notes).mtimeMs < longestSilenceMs) return;
  const [first] = parseNotes(readFileSync(notes, 'utf8'));
  if (first?.kind === 'process') process.kill(first.pid, 'SIGKILL');
}
