import { KubeError, removeTaint, type NodeTaintDoor } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';

export interface StartupTaintOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly node: NodeTaintDoor;
  /** Key of the taint, with any effect; undefined: no taint is removed. */
  readonly key: string | undefined;
  /** Empty if NMI is ready, which includes a test request through the rules. */
  readonly problems: () => Promise<readonly string[]>;
}

/** Between checks while NMI is not ready. */
const notReadyMs = 1_000;
/** Between checks of the node. The taint comes back only with a new Node object. */
const everyMs = 60_000;

/**
 * Nodes can be registered with a taint that keeps pods away until this agent serves them: a pod that starts earlier could use the identities
 * of the machine. The taint is removed whenever it exists, until the signal aborts, but only after a test request through the rules succeeded.
 */
export async function keepStartupTaintOff(options: StartupTaintOptions, signal: AbortSignal): Promise<void> {
  const { problems, clock, key } = options;
  if (key === undefined) return;
  const attempt = createAttempt({ ...options, key });
  while (!signal.aborted) {
    const isReady = (await problems()).length === 0;
    if (isReady) await attempt();
    await clock.sleep(isReady ? everyMs : notReadyMs, signal).catch(() => undefined);
  }
}

/** Removes the taint if it exists. Logs an error once, until another one occurs. */
function createAttempt({
  node,
  key,
  log,
}: Pick<StartupTaintOptions, 'node' | 'log'> & { readonly key: string }) {
  let reported = '';
  return async (): Promise<void> => {
    try {
      if (await removeTaint({ node, key }))
        log.info({ taint: key }, 'calls of pods are answered: taint removed');
      reported = '';
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code !== reported)
        log.error({ taint: key, code: error.code, error: error.message }, remedyOf(error));
      reported = error.code;
    }
  };
}

function remedyOf({ code }: KubeError): string {
  return code === 'denied' || code === 'unauthorized'
    ? 'the start-up taint cannot be taken off this node: give the service account of NMI the verbs get and patch on nodes ' +
        '(deploy/components/nmi-startup-taint), or start NMI without --startup-taint if MIC takes the taint off or no node has it'
    : 'the start-up taint of this node could not be looked after; it is tried again each minute';
}
