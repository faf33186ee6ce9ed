// Room: `nmi canary`: in a pod, asks at the metadata address, and is ready only while NMI of its own node answers.
// It must not ask for a token, or need an identity, the API server or a right.
import { randomBytes } from 'node:crypto';
import {
  keepAdminServer,
  systemClock,
  type AdminRoute,
  type Ambient,
  type Log,
} from '@pod-identity/kit/serve';
import type { NmiConfig } from '../config/config.ts';
import { createProbe, type SendProbe } from './send-probe.ts';
import { judgeSighting, type CanaryVerdict } from './verdict.ts';

/** Runs until the signal aborts; resolves to the exit code. */
export async function runCanary(
  { node, metadata, probe }: Pick<NmiConfig, 'node' | 'metadata' | 'probe'>,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<number> {
  const canary = createCanary({
    node,
    sendProbe: createProbe(metadata),
    newChallenge: () => randomBytes(16).toString('hex'),
    clock: systemClock,
    log,
  });
  const kept = keepAdminServer({ ...probe, routes: canary.routes, log }, { clock: systemClock, signal });
  await Promise.all([kept, canary.keep(signal)]);
  return 0;
}

export interface CanaryOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly node: string;
  readonly sendProbe: SendProbe;
  readonly newChallenge: () => string;
}

export interface Canary {
  /** For the probes of the kubelet. */
  readonly routes: readonly AdminRoute[];
  /** Asks until the signal aborts. */
  keep(signal: AbortSignal): Promise<void>;
}

/** Between questions. */
const pauseMs = { ready: 5_000, 'not-ready': 1_000 } as const;

export function createCanary({ node, sendProbe, newChallenge, clock, log }: CanaryOptions): Canary {
  let verdict: CanaryVerdict | undefined;

  const look = async (): Promise<CanaryVerdict> => {
    const challenge = newChallenge();
    const next = judgeSighting(await sendProbe(challenge), { node, challenge });
    if (stateOf(next) !== stateOf(verdict)) report(log, next);
    return next;
  };

  return {
    routes: [
      { path: '/healthz', respond: () => ({ status: 200, body: 'ok\n' }) },
      { path: '/readyz', respond: () => responseOf(verdict) },
    ],
    async keep(signal) {
      while (!signal.aborted) {
        verdict = await look();
        await clock.sleep(pauseMs[verdict.kind], signal).catch(() => undefined);
      }
    },
  };
}

function stateOf(verdict: CanaryVerdict | undefined): string | undefined {
  return verdict?.kind === 'not-ready' ? verdict.why : verdict?.kind;
}

function report(log: Log, verdict: CanaryVerdict): void {
  if (verdict.kind === 'ready') log.info({}, 'NMI of this node answers calls of pods');
  else log.warn({ reason: verdict.why }, verdict.text);
}

function responseOf(verdict: CanaryVerdict | undefined): { readonly status: number; readonly body: string } {
  if (verdict === undefined) return { status: 503, body: 'the first question is not answered yet\n' };
  return verdict.kind === 'ready'
    ? { status: 200, body: 'ready\n' }
    : { status: 503, body: `${verdict.why}: ${verdict.text}\n` };
}
