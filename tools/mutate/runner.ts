// Runs in the process of one test file: each test first without mutants, to find which mutants it reaches, then once with each of them.
// Vitest repeats the test with all its hooks; which mutant is on is decided before each repeat.
import { appendFileSync, readFileSync } from 'node:fs';
import {
  TestRunner,
  type RunnerTestCase,
  type RunnerTestFile,
  type RunnerTestSuite,
  type TestTryOptions,
} from 'vitest';
import type { Cause, Note, Plan } from './notes.ts';

/** Read by the code that Stryker's instrumenter puts into the sources. */
interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

type Turn =
  | { readonly kind: 'plain' }
  | { readonly kind: 'mutant'; readonly mutant: string }
  /** Without a mutant again: a test that fails now fails because of damage, not because of this mutant. */
  | { readonly kind: 'check'; readonly mutant: string; readonly cause: Cause };

// Saved before a test replaces them with fakes.
const { setTimeout, clearTimeout, setInterval } = globalThis;
const now = performance.now.bind(performance);
const longestUsualMs = 30_000;
const plan = JSON.parse(readFileSync(process.env['MUTATE_PLAN'] ?? '', 'utf8')) as Plan;
const mutants = new Set(plan.mutants);
const finished = new Set(plan.finished);
const tried = new Set(plan.tried);
const sw: Switch = { mutantCoverage: { static: {}, perTest: {} }, activeMutant: plan.fresh };
(globalThis as { __stryker__?: Switch }).__stryker__ = sw;

const note = (one: Note): void => appendFileSync(plan.notes, `${JSON.stringify(one)}\n`);
note({ kind: 'process', pid: process.pid });
if (plan.fresh !== undefined) note({ kind: 'try', test: 'the import', mutant: plan.fresh });
// Heartbeat: a process without it is in an endless loop.
setInterval(() => appendFileSync(plan.notes, '\n'), 1_000).unref();

class MutantRunner extends TestRunner {
  private turn: Turn = { kind: 'plain' };
  private queue: string[] = [];
  private hits: Readonly<Record<string, number>> = {};
  private usualMs = 0;
  private startedAt = 0;
  private isLate = false;
  private switchedOn = 0;
  private isOver = false;

  onCollected(files: RunnerTestFile[]): void {
    note({ kind: 'imported', mutants: Object.keys(sw.mutantCoverage.static) });
    if (files.some(({ result }) => result?.state === 'fail')) this.killFresh('the import', 'failure');
  }

  override async onBeforeRunTask(test: RunnerTestCase): Promise<void> {
    await super.onBeforeRunTask(test);
    if (test.mode !== 'run' && test.mode !== 'queued') return;
    if (this.isOver || finished.has(test.id)) test.mode = 'skip';
    else if (plan.fresh === undefined) test.repeats = Infinity;
    this.turn = { kind: 'plain' };
    this.usualMs = plan.usualMs[test.id] ?? longestUsualMs;
  }

  override onBeforeTryTask(test: RunnerTestCase, options: TestTryOptions): void {
    super.onBeforeTryTask(test, options);
    const { turn } = this;
    if (turn.kind === 'plain' && plan.fresh === undefined) note({ kind: 'begun', test: test.id });
    if (turn.kind === 'mutant') {
      note({ kind: 'try', test: test.id, mutant: turn.mutant });
      this.switchedOn++;
      sw.hitLimit = 1_000 + 100 * (this.hits[turn.mutant] ?? 0);
      sw.hitCount = 0;
      sw.activeMutant = turn.mutant;
    }
    sw.currentTestId = turn.kind === 'plain' ? test.id : 'not counted';
    this.isLate = false;
    this.startedAt = now();
  }

  async runTask(test: RunnerTestCase): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => {
          this.isLate = true;
          reject(new Error('takes too long'));
        },
        1_000 + 10 * this.usualMs,
      );
    });
    await Promise.race([TestRunner.getTestFn(test)(), limit]).finally(() => clearTimeout(timer));
  }

  override async onAfterRetryTask(test: RunnerTestCase, options: TestTryOptions): Promise<void> {
    await super.onAfterRetryTask(test, options);
    const { result } = test;
    if (!result) return;
    const error = result.state === 'fail' ? (result.errors?.[0]?.message ?? 'fails') : undefined;
    const cause = this.cause();
    sw.currentTestId = undefined;
    if (plan.fresh === undefined) {
      sw.activeMutant = sw.hitCount = sw.hitLimit = undefined;
      this.repeat(result, result.state === 'skip' ? undefined : this.judge(test.id, error, cause));
    } else if (error !== undefined) this.killFresh(test.id, cause);
  }

  private repeat(result: NonNullable<RunnerTestCase['result']>, next: Turn | undefined): void {
    this.turn = next ?? { kind: 'plain' };
    // Vitest does not repeat a skipped test.
    result.state = next ? 'pass' : 'skip';
    result.attempts = [];
    delete result.errors;
  }

  private cause(): Cause {
    if (sw.hitCount !== undefined && sw.hitCount > (sw.hitLimit ?? 0)) return 'loop';
    return this.isLate ? 'time' : 'failure';
  }

  override async onAfterRunSuite(suite: RunnerTestSuite): Promise<void> {
    await super.onAfterRunSuite(suite);
    if (suite.result?.state === 'fail') this.killFresh(suite.name, 'failure');
  }

  override onAfterRunFiles(files: RunnerTestFile[]): void {
    super.onAfterRunFiles(files);
    note({ kind: 'imported', mutants: Object.keys(sw.mutantCoverage.static) });
    if (!this.isOver) note({ kind: 'end' });
  }

  /** The next run; undefined if the test is not repeated. */
  private judge(test: string, error: string | undefined, cause: Cause): Turn | undefined {
    const { turn } = this;
    if (turn.kind === 'check') return this.check(test, turn, error === undefined);
    if (error === undefined) return turn.kind === 'plain' ? this.begin(test) : this.next(test);
    if (turn.kind === 'mutant') return { kind: 'check', mutant: turn.mutant, cause };
    if (this.switchedOn > 0) this.again(test);
    else note({ kind: 'useless', test, why: error });
    return undefined;
  }

  private check(
    test: string,
    { mutant, cause }: Turn & { kind: 'check' },
    isSound: boolean,
  ): Turn | undefined {
    // Without another mutant before it, the damage is its own.
    const isProof = isSound || this.switchedOn === 1;
    if (isProof) this.kill(test, mutant, cause);
    if (isSound) return this.next(test);
    this.again(test, isProof ? undefined : mutant);
    return undefined;
  }

  private begin(test: string): Turn | undefined {
    this.usualMs = now() - this.startedAt;
    this.hits = sw.mutantCoverage.perTest[test] ?? {};
    const reached = Object.keys(this.hits);
    note({ kind: 'reaches', test, ms: Math.round(this.usualMs), mutants: reached });
    this.queue = reached.filter((mutant) => !tried.has(`${test} ${mutant}`));
    if (this.usualMs <= plan.untilMs) return this.next(test);
    note({ kind: 'finished', test, isSlow: true });
    return undefined;
  }

  private next(test: string): Turn | undefined {
    let mutant = this.queue.shift();
    while (mutant !== undefined && !mutants.has(mutant)) mutant = this.queue.shift();
    if (mutant !== undefined) return { kind: 'mutant', mutant };
    note({ kind: 'finished', test, isSlow: false });
    return undefined;
  }

  private again(test: string, mutant?: string): void {
    note({ kind: 'again', test, mutant });
    this.isOver = true;
  }

  private kill(test: string, mutant: string, cause: Cause): void {
    mutants.delete(mutant);
    note({ kind: 'killed', mutant, cause, test });
  }

  private killFresh(test: string, cause: Cause): void {
    if (plan.fresh === undefined || this.isOver) return;
    this.kill(test, plan.fresh, cause);
    this.isOver = true;
    note({ kind: 'end' });
  }
}

// Vitest takes the runner from the default export.
export { MutantRunner as default };
