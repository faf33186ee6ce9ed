import type { Ambient } from '@pod-identity/kit/serve';
import { createNftables } from './nftables.ts';
import { pinInput, pinTable, type PinnedSocket } from './pin-rules.ts';
import { isBusy, type RunProgram } from './run-program.ts';

export interface PortPinsOptions extends Pick<Ambient, 'clock' | 'log'> {
  readonly sockets: readonly PinnedSocket[];
  readonly everyMs: number;
  readonly run: RunProgram;
}

/** Keeps the rules of NMI's ports until the signal aborts. They stay then: a Pod with the same `hostPort` must not get what was meant for NMI. */
export async function keepPortPins(options: PortPinsOptions, signal: AbortSignal): Promise<void> {
  const { sockets, everyMs, run, clock, log } = options;
  const input = pinInput(sockets);
  if (input === undefined) return;
  const table = createNftables(pinTable, input, run);
  let reported = '';
  while (!signal.aborted) {
    try {
      if (!(await table.isRight())) await table.install();
      reported = '';
    } catch (error) {
      if (!isBusy(error) && reported !== String(error)) log.warn({ error }, unpinned);
      if (!isBusy(error)) reported = String(error);
    }
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

const unpinned =
  'the ports of NMI cannot be kept from Pods with the same hostPort, which would get its calls: the agent needs nft, the capability NET_ADMIN and ' +
  'user 0; or refuse such Pods (deploy/policies/nmi-ports.yaml)';

/** Returns whether there were rules. */
export function removePortPins(run: RunProgram): Promise<boolean> {
  return createNftables(pinTable, '', run).remove();
}
