import type { Clock } from '@pod-identity/kit/core';
import { KubeError } from '@pod-identity/kit/kube';
import type { Log } from '@pod-identity/kit/serve';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** The taints of our node, as they were when the node had this version. */
export interface NodeTaints {
  readonly taints: readonly Taint[];
  readonly resourceVersion: string;
}

/** Our node. Both throw KubeError only. */
export interface NodeTaintDoor {
  read(): Promise<NodeTaints>;
  /** Puts these taints in the place of all others; `conflict` when the node has changed since that version. */
  replace(taints: NodeTaints): Promise<void>;
}

export interface StartupTaintOptions {
  readonly node: NodeTaintDoor;
  /** Of the taint, whatever its effect; undefined: no taint is touched. */
  readonly key: string | undefined;
  /** Empty when all is well, a request by the way of pods' calls included. */
  readonly problems: () => Promise<readonly string[]>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface StartupTaint {
  /** Takes the taint off the node whenever it is there and all is well, until the signal aborts. */
  keep(signal: AbortSignal): Promise<void>;
}

/** Between looks at ourselves, while something is not well. */
const notReadyMs = 1_000;
/** Between looks at the node. The taint comes back only with a new Node object. */
const everyMs = 60_000;
/** Others change the node at the same time: how often that is borne before the next look. */
const attempts = 5;

/**
 * Nodes can be registered with a taint that keeps pods away until this agent answers for them; a pod that starts earlier
 * would reach the identities of the machine. The taint goes only after a request by the real way was answered.
 */
export function createStartupTaint(options: StartupTaintOptions): StartupTaint {
  const { problems, clock } = options;
  const attempt = createAttempt(options);
  const step = async (): Promise<number> => {
    if ((await problems()).length > 0) return notReadyMs;
    await attempt();
    return everyMs;
  };
  return {
    async keep(signal) {
      if (options.key === undefined) return;
      while (!signal.aborted) await clock.sleep(await step(), signal).catch(() => undefined);
    },
  };
}

/** Takes the taint off if it is there. What goes wrong is said once, until it goes wrong in another way. */
function createAttempt({ node, key, log }: StartupTaintOptions): () => Promise<void> {
  let said = '';
  const remove = async (): Promise<boolean> => {
    const { taints, resourceVersion } = await node.read();
    const others = taints.filter((taint) => taint.key !== key);
    if (others.length === taints.length) return false;
    await node.replace({ taints: others, resourceVersion });
    return true;
  };
  const removeAmongOthers = async (left: number): Promise<boolean> => {
    try {
      return await remove();
    } catch (error) {
      if (left > 1 && error instanceof KubeError && error.code === 'conflict')
        return removeAmongOthers(left - 1);
      throw error;
    }
  };

  return async () => {
    try {
      if (await removeAmongOthers(attempts))
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
        '(deploy/rbac/nmi-startup-taint.yaml), or start NMI with --startup-taint= if no node has this taint'
    : 'the start-up taint of this node could not be looked after; it is tried again each minute';
}
