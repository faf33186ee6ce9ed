// The reporter of the npm commands: one line of progress, each failure with its reason when it happens, and at the end or at Ctrl-C
// all failures and what was skipped.
import { relative } from 'node:path';
import {
  experimental_getRunnerTask as taskOf,
  type Reporter,
  type TestCase,
  type TestModule,
  type TestRunEndReason,
  type TestSuite,
  type Vitest,
} from 'vitest/node';
import { exitCodeOf } from './own-group.mjs';
import { countLine, minutes, progressLine, skipReasons, type Count } from './progress.ts';
import { countOf, failedHooksOf, noteCount } from './test-count.ts';

type Failed = TestCase | TestSuite | TestModule;

/** How often a file gets a line of progress. */
const intervalMs = 30_000;
/** How long tests that run may take after Ctrl-C to end what they have started. */
const cleanupMs = 60_000;
const noFile = 'No test file was found. CONTRIBUTING.md (Tests) says which command runs which files.';

export class ProgressReporter implements Reporter {
  private vitest!: Vitest;
  private readonly begun = performance.now();
  private readonly count = { passed: 0, failed: 0, skipped: 0 };
  private files = 0;
  private filesDone = 0;
  private readonly running = new Set<string>();
  private readonly failures: { readonly name: string; readonly reason: string }[] = [];
  private readonly skips = new Set<string>();
  private isInterrupted = false;
  private timer: NodeJS.Timeout | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
    // For this run, and not for a Vitest that one of its tests starts.
    delete process.env['POD_IDENTITY_PROGRESS'];
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      // Vitest's own end the process at once: no summary, and what the tests have started stays.
      process.removeAllListeners(signal);
      process.on(signal, () => this.interrupt(exitCodeOf(null, signal)));
    }
  }

  onTestRunStart(specifications: readonly unknown[]): void {
    this.files = specifications.length;
    this.show();
    this.timer = setInterval(() => this.show(), process.stdout.isTTY ? 1_000 : intervalMs);
    this.timer.unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.running.add(this.fileOf(module));
    this.redraw();
  }

  onTestModuleEnd(module: TestModule): void {
    this.running.delete(this.fileOf(module));
    this.filesDone += 1;
    this.tell(module, module.errors());
    this.count.failed += failedHooksOf(module);
    this.redraw();
  }

  onTestSuiteResult(suite: TestSuite): void {
    this.tell(suite, suite.errors());
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    this.count[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
    if (state === 'failed') this.tell(test, errors);
    this.redraw();
  }

  onUserConsoleLog({ content, type, taskId }: { content: string; type: string; taskId?: string }): void {
    for (const reason of skipReasons(content)) this.skips.add(reason);
    const test = taskId === undefined ? undefined : this.vitest.state.getReportedEntityById(taskId);
    // Figures that a test prints. Others print what the programs said that they try.
    if (type === 'stdout' && test?.type === 'test') this.print(content.trimEnd());
  }

  onTestRunEnd(
    modules: readonly TestModule[],
    unhandled: readonly unknown[],
    reason: TestRunEndReason,
  ): void {
    clearInterval(this.timer);
    this.clear();
    if (unhandled.length > 0 && !this.isInterrupted) this.vitest.logger.printUnhandledErrors(unhandled);
    const count = countOf(modules, unhandled.length);
    noteCount(
      count,
      this.failures.map(({ name }) => name),
    );
    if (!this.isInterrupted && reason !== 'interrupted') this.summarize(count);
  }

  private tell(failed: Failed, errors: readonly unknown[]): void {
    // A test that Ctrl-C stops may fail by it, such as in a hook that ends what was not started yet.
    if (this.isInterrupted) return;
    const name = this.nameOf(failed);
    for (const error of errors) {
      this.print(`FAIL  ${name}`);
      const task = failed.type === 'module' ? undefined : taskOf(failed);
      this.vitest.logger.printError(error, { project: failed.project, ...(task && { task }) });
      this.failures.push({ name, reason: messageOf(error) });
    }
  }

  private nameOf(failed: Failed): string {
    const module = failed.type === 'module' ? failed : failed.module;
    const file = this.fileOf(module);
    return failed.type === 'module' ? file : `${file} > ${failed.fullName}`;
  }

  private summarize(count: Count): void {
    if (this.skips.size > 0) console.log(`\nWhat was skipped, and why:\n${list([...this.skips])}`);
    if (this.failures.length > 0) {
      const lines = this.failures.map(
        ({ name, reason }) => `${name}\n      ${reason.replaceAll('\n', '\n      ')}`,
      );
      console.log(`\nWhat failed:\n${list(lines)}`);
    }
    if (this.files === 0) console.log(`\n${noFile}`);
    console.log(`\n${countLine(count)} in ${minutes(this.seconds())}`);
  }

  private interrupt(exitCode: number): void {
    this.clear();
    if (this.isInterrupted) process.exit(exitCode);
    this.isInterrupted = true;
    process.exitCode = exitCode;
    console.log(
      `\nInterrupted after ${this.filesDone} of ${this.files} files. Tests that run end what they have started.`,
    );
    this.summarize(this.count);
    setTimeout(() => process.exit(exitCode), cleanupMs).unref();
    void this.vitest.cancelCurrentRun('keyboard-input').finally(() => process.exit(exitCode));
  }

  private print(text: string): void {
    this.clear();
    process.stdout.write(`${text}\n`);
  }

  /** A terminal's line is written again; a file gets a new one. */
  private show(): void {
    if (this.isInterrupted) return;
    const line = progressLine(
      { ...this.count, ...this.place(), seconds: this.seconds() },
      process.stdout.isTTY ? process.stdout.columns : undefined,
    );
    process.stdout.write(process.stdout.isTTY ? `\r\u001b[K${line}` : `${line}\n`);
  }

  private redraw(): void {
    if (process.stdout.isTTY) this.show();
  }

  private clear(): void {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  }

  private place() {
    return { files: this.files, filesDone: this.filesDone, running: [...this.running] };
  }

  private seconds(): number {
    return (performance.now() - this.begun) / 1_000;
  }

  private fileOf(module: TestModule): string {
    return relative(this.vitest.config.root, module.moduleId);
  }
}

const list = (lines: readonly string[]) => lines.map((line) => `  - ${line}`).join('\n');

function messageOf(error: unknown): string {
  const { name = 'Error', message = String(error) } = error as { name?: string; message?: string };
  return `${name}: ${message}`;
}
