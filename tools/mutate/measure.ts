// Runs a room's tests on all its mutants in one Vitest: a process for each test file, and another one where a mutant left damage behind.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createVitest, type TestSpecification, type Vitest } from 'vitest/node';
import type { Outcome } from './judge.ts';
import { createLedger, enter, type Ledger } from './ledger.ts';
import { parseNotes, type Plan } from './notes.ts';

/** Without a sign of life for so long a process is in a loop without end. */
const longestSilenceMs = 20_000;
const quickMs = 150;
const mostProcesses = 500;

export interface Room {
  readonly root: string;
  /** From the root. */
  readonly sources: readonly string[];
  /** Where the sources with the mutants are, and the notes. */
  readonly box: string;
  /** Ids of all mutants, of those that a test should kill, and of those for which the quick tests next to the code suffice. */
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
      ...{ root: room.root, config: join(import.meta.dirname, 'vitest.config.ts'), watch: false },
      ...{ maxWorkers: 1, maxConcurrency: 1, reporters: [{}], silent: true },
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
    const { ledger } = this;
    const files = await this.testFiles();
    for (const file of files) {
      const more = this.distance(file) === 0 ? this.room.tried : [];
      await this.judgeAll(file, [...this.room.wanted, ...more], quickMs);
    }
    const living = (): readonly string[] => this.living(this.room.wanted);
    const slow = [...ledger.slow.entries()];
    for (const [test] of slow) ledger.finished.delete(test);
    for (const file of files.filter((one) => this.distance(one) === 0)) {
      const isNeeded = slow.some(
        ([, { file: its, mutants }]) => its === file.moduleId && living().some((id) => mutants.includes(id)),
      );
      if (isNeeded) await this.judgeAll(file, this.room.wanted, Number.MAX_VALUE);
    }
    const reached = new Set([...ledger.reached.values()].flatMap((ids) => [...ids]));
    for (const mutant of living()) await this.judgeFresh(mutant, files);
    return { outcomes: this.outcomes(reached), useless: ledger.useless };
  }

  private living(mutants: readonly string[]): readonly string[] {
    return mutants.filter((id) => !this.ledger.killed.has(id));
  }

  private outcomes(reached: ReadonlySet<string>): ReadonlyMap<string, Outcome> {
    return new Map(
      this.room.mutants.map((id) => [
        id,
        this.ledger.killed.get(id)?.cause ?? (reached.has(id) ? 'lives' : 'unreached'),
      ]),
    );
  }

  /** Each of the file's tests with each living mutant that it reaches. */
  private async judgeAll(file: TestSpecification, among: readonly string[], untilMs: number): Promise<void> {
    if (this.living(among).length === 0) return;
    for (let left = mostProcesses; left > 0; left--) {
      const { finished, tried } = this.ledger;
      const isUnfinished = await this.runFile(file, {
        ...{ mutants: this.living(among), fresh: undefined },
        ...{ finished: [...finished], tried: [...tried], untilMs },
      });
      if (!isUnfinished) return;
    }
  }

  /**
   * In processes that start with the mutant on, until a test notices it: what an import has computed, no test computes anew. Only
   * the tests next to the code are asked, first those of its file.
   */
  private async judgeFresh(mutant: string, files: readonly TestSpecification[]): Promise<void> {
    const { imported, useless, killed } = this.ledger;
    const source = this.room.sourceOf.get(mutant)?.replace(/ts$/, 'test.ts') ?? '';
    const near = files.filter(
      (file) => this.distance(file) === 0 && imported.get(file.moduleId)?.has(mutant),
    );
    for (const file of near.toSorted(
      (a, b) => Number(b.moduleId.endsWith(source)) - Number(a.moduleId.endsWith(source)),
    )) {
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

  /** Those that import a source of the room; first those next to it. */
  private async testFiles(): Promise<readonly TestSpecification[]> {
    const { root, sources } = this.room;
    this.vitest.config.related = sources.map((file) => join(root, file));
    const all = await this.vitest.getRelevantTestSpecifications();
    return all.toSorted((a, b) => this.distance(a) - this.distance(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }

  private distance({ moduleId }: TestSpecification): number {
    const file = relative(this.room.root, moduleId);
    const folders = this.room.sources.map((source) => `${dirname(source)}/`);
    if (folders.some((folder) => file.startsWith(folder))) return 0;
    return file.split('/')[1] === this.room.sources[0]?.split('/')[1] ? 1 : 2;
  }
}

function endIfSilent(notes: string): void {
  if (Date.now() - statSync(notes).mtimeMs < longestSilenceMs) return;
  const [first] = parseNotes(readFileSync(notes, 'utf8'));
  if (first?.kind === 'process') process.kill(first.pid, 'SIGKILL');
}
