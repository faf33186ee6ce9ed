/** How long the command waits, as options of the client. */
export interface Patience {
  readonly requestTimeoutMs: number;
  readonly deadlineMs: number;
  readonly maxRetries?: number;
}

/** A metadata service holds a request while an identity is being assigned, so one request may take all of the time. */
export function patient(leftMs: number): Patience {
  return { requestTimeoutMs: leftMs, deadlineMs: leftMs };
}

/** Where the probe found no metadata service there is hardly one: one retry, and an end within 15 seconds, of which the probe takes one. */
export function impatient(leftMs: number): Patience {
  return { requestTimeoutMs: Math.min(leftMs, 5_000), deadlineMs: Math.min(leftMs, 13_000), maxRetries: 1 };
}
