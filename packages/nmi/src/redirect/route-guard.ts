import type { Log } from '@pod-identity/kit/serve';
import { ownRouteRules, wantedRouteRules, type RouteRule } from './route-rules.ts';
import { ProgramError, type RunProgram } from './run-program.ts';
import type { RedirectTarget } from './target.ts';

/**
 * Rules of the routing policy that keep pods from the metadata service while the firewall has no rules: a program that flushes the
 * firewall leaves them alone. The firewall rules redirect calls and work without them.
 */
export function createRouteGuard(target: Pick<RedirectTarget, 'metadata'>, run: RunProgram, log: Log) {
  const wanted = wantedRouteRules(target);
  // systemd-networkd removes all rules when it restarts, except those with protocol kernel.
  const change = (verb: 'add' | 'del', rule: RouteRule) =>
    run('ip', ['rule', verb, 'protocol', 'kernel', ...rule]);
  const list = async () => ownRouteRules(await run('ip', ['-j', '-4', 'rule', 'show']));
  const missing = async () => {
    const present = await list();
    return wanted.filter((rule) => !present.some((one) => isSame(one, rule)));
  };
  const repair = async (): Promise<boolean> => {
    const absent = await missing();
    for (const rule of absent) await change('add', rule).catch(unlessThere);
    if (absent.length > 0 && (await missing()).length > 0)
      throw new Error('the rules that were written are not there');
    return absent.length > 0;
  };

  let reported: string | undefined;
  return {
    /** Adds missing rules; never fails: logs a problem once. */
    async keep(): Promise<void> {
      try {
        const isNew = await repair();
        if (isNew || reported !== undefined) log.info({}, 'routing rules refuse what passes the firewall');
        reported = undefined;
      } catch (error) {
        const trouble = error instanceof Error ? error.message : String(error);
        if (trouble !== reported)
          log.warn(
            {},
            `no routing rules (${trouble}): whenever another program empties the firewall, pods reach the machine's metadata service until the next check; the program ip of iproute2 and the capability NET_ADMIN are needed`,
          );
        reported = trouble;
      }
    },
    /** Removes all rules of NMI; returns whether there were any. */
    async remove(): Promise<boolean> {
      const present = await list();
      // The rule that refuses is removed before the one that exempts the node.
      for (const rule of present.toSorted((one, other) => rank(one) - rank(other))) await change('del', rule);
      return present.length > 0;
    },
  };
}

function isSame(one: RouteRule, other: RouteRule): boolean {
  return one.toSorted().join(' ') === other.toSorted().join(' ');
}

function rank(rule: RouteRule): number {
  return ['prohibit', 'goto', 'nop'].findIndex((action) => rule.includes(action));
}

/** Another agent on this node may have added it. */
function unlessThere(error: unknown): void {
  if (!(error instanceof ProgramError && /file exists/i.test(error.message))) throw error;
}
