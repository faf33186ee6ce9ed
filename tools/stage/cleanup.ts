/** Stops what a stage has started. From then on nothing can be started: nothing would stop it. */
export interface Cleanup {
  /** Throws once `run` was called. */
  checkOpen(): void;
  /** Steps run in the reverse order. */
  add(step: () => unknown): void;
  /** Starts something and adds its stop; `run` waits for a start that is under way. */
  start<T>(start: () => Promise<T>, stop: (started: T) => Promise<unknown>): Promise<T>;
  /** Runs each step once, also after one that fails. Further calls return the same promise. */
  run(): Promise<void>;
}

export function createCleanup(onFailed: (error: unknown) => void = (error) => console.error(error)): Cleanup {
  const steps: (() => unknown)[] = [];
  let running: Promise<void> | undefined;
  const checkOpen = () => {
    if (running) throw new Error('the stage is being stopped: nothing more can be started');
  };
  const runAll = async () => {
    for (let step = steps.pop(); step; step = steps.pop()) await Promise.resolve().then(step).catch(onFailed);
  };
  return {
    checkOpen,
    add: (step) => void steps.push(step),
    async start(start, stop) {
      checkOpen();
      const starting = start();
      steps.push(() => starting.then(stop, () => undefined));
      return starting;
    },
    run: () => (running ??= Promise.resolve().then(runAll)),
  };
}
