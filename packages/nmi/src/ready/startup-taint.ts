import { KubeError, removeTaint, type NodeTaintDoor } from '@pod-identity/kit/kube';
import type { Ambient } from '@pod-identity/kit/serve';

export interface StartupTaintOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly node: NodeTaintDoor;
  /** Key of the taint, with any effect; undefined: no taint is removed. */
  readonly key: string | undefined;
  /** Empty if NMI is ready, which includes a test request through the rules. */
  readonly problems: () => Promise<readonly string[]>;
}

export interface StartupTaint {
  /** Removes the taint whenever it exists and NMI is ready, until the signal aborts. */
  keep(signal: AbortSignal): Promise<void>;
}

/** Between checks while NMI is not ready. */
const notReadyMs = 1_000;
/** Between checks of the node. The taint comes back only with a new Node object. */
const everyMs = 60_000;

/**
 * Nodes can be registered with a taint that keeps pods away until this agent serves them: a pod that starts earlier could use the identities
 * of the machine. The taint is removed only after a test request through the rules succeeded.
 */
export function createStartupTaint(options: StartupTaintOptions): StartupTaint {
  const { problems, clock, key } = options;
  const step = async (attempt: () => Promise<void>): Promise<number> => {
    if ((await problems()).length > 0) return notReadyMs;
    await attempt();
    return everyMs;
  };
  return {
    async keep(signal) {
      if (key === undefined) return;
      const attempt = createAttempt({ ...options, key });
      while (!signal.aborted) await clock.sleep(await step(attempt), signal).catch(() => undefined);
    },
  };
}

/** Removes the taint if it exists. Logs an error once, until another one occurs. */
function createAttempt({
  node,
  key,
  log,
}: Pick<StartupTaintOptions, 'node' | 'log'> & { readonly key: string }) {
  let said = '';
  return async (): Promise<void> => {
    try {
      if (await removeTaint({ node, key }))
        log.info({ taint: key }, 'calls of pods are answered: taint removed');
      said = '';
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code !== said)
        log.error({ taint: key, code: error.code, error: error.message }, remedyOf(error));
      said = error.code;
    }
  };
}

function remedyOf({ code }: KubeError): string {
  return code === 'denied' || code === 'unauthorized'
    ? 'the start-up taint cannot be taken off this node: give the service account of NMI the verbs get and patch on nodes ' +
        '(deploy/components/nmi-startup-taint), or start NMI without --startup-taint if MIC takes the taint off or no node has it'
    : 'the start-up taint of this node could not be looked after; it is tried again each minute';
}
