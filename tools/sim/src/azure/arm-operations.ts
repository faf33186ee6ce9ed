export interface OperationError {
  readonly code: string;
  readonly message: string;
}

export interface Operation {
  readonly id: string;
  readonly hostId: string;
  readonly status: 'InProgress' | 'Succeeded' | 'Failed';
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly error?: OperationError;
}

export interface Hold {
  /** Ends every running operation at once, with success or with this error. */
  release(failure?: OperationError): void;
}

/** Called when an operation ends; returns its error, if it fails. */
export type OperationFault = (hostId: string) => OperationError | undefined;

/** The long-running operations of ARM: at most one runs for each host. */
export interface Operations {
  /** An older operation on the host is preempted: it fails, and the newer one includes its changes. */
  start(hostId: string, latencyMs: number): Operation;
  running(hostId: string): Operation | undefined;
  get(id: string): Operation | undefined;
  /** From now on operations stay in progress until released. */
  hold(): Hold;
  /** From now on operations on hosts for which it returns an error fail with that error; the returned function ends this. */
  failWhile(fault: OperationFault): () => void;
  stop(): void;
}

export type After = (ms: number, run: () => void) => { cancel(): void };

interface OperationPorts {
  readonly now: () => number;
  readonly after: After;
  readonly newId: () => string;
  readonly ended: (hostId: string, state: 'Succeeded' | 'Failed') => void;
}

const preempted: OperationError = {
  code: 'OperationPreempted',
  message: 'Operation execution has been preempted by a more recent operation.',
};

export function createOperations({ now, after, newId, ended }: OperationPorts): Operations {
  const operations = new Map<string, Operation>();
  const running = new Map<string, { readonly operation: Operation; readonly timer: ReturnType<After> }>();
  const holds = new Set<Hold>();
  const faults = createFaults();

  const end = (hostId: string, error?: OperationError): void => {
    const found = running.get(hostId);
    if (found === undefined) return;
    found.timer.cancel();
    running.delete(hostId);
    const { operation } = found;
    operations.set(operation.id, { ...operation, ...outcome(error), endedAt: now() });
  };
  const settle = (hostId: string, error?: OperationError): void => {
    end(hostId, error);
    ended(hostId, error ? 'Failed' : 'Succeeded');
  };

  return {
    start(hostId, latencyMs) {
      end(hostId, preempted);
      const operation: Operation = { id: newId(), hostId, status: 'InProgress', startedAt: now() };
      operations.set(operation.id, operation);
      const timer = after(latencyMs, () => holds.size === 0 && settle(hostId, faults.of(hostId)));
      running.set(hostId, { operation, timer });
      return operation;
    },
    running: (hostId) => running.get(hostId)?.operation,
    get: (id) => operations.get(id),
    hold() {
      const hold: Hold = {
        release(failure) {
          if (!holds.delete(hold) || holds.size > 0) return;
          for (const hostId of [...running.keys()]) settle(hostId, failure ?? faults.of(hostId));
        },
      };
      holds.add(hold);
      return hold;
    },
    failWhile: (fault) => faults.add(fault),
    stop() {
      for (const { timer } of running.values()) timer.cancel();
    },
  };
}

function outcome(error: OperationError | undefined): Pick<Operation, 'status' | 'error'> {
  return error ? { status: 'Failed', error } : { status: 'Succeeded' };
}

function createFaults() {
  const faults = new Set<OperationFault>();
  return {
    of: (hostId: string) => [...faults].map((fault) => fault(hostId)).find((error) => error),
    add(fault: OperationFault) {
      faults.add(fault);
      return () => void faults.delete(fault);
    },
  };
}
