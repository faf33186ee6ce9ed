import { problem, shellWord } from '@pod-identity/policy';
import { itemsOf, unknownOf } from '../cluster/lists.ts';
import { found, type CheckResult, type DoctorFacts, type LeaseFacts } from './facts.ts';

/** A Date header has whole seconds, and a response takes time. */
const tolerableMs = 30_000;
const nodeLeases = 'kube-node-lease';

/** This machine, the API server and the nodes agree on the time. A node that is behind cannot be told from one that is silent. */
export function checkClocks({ now, serverNow, leases }: DoctorFacts): CheckResult {
  if (serverNow === undefined)
    return { findings: [], unknown: ['the responses of the API server have no date'] };
  const skew = now - serverNow;
  const own =
    Math.abs(skew) <= tolerableMs
      ? []
      : [
          found(
            'machine',
            problem('clock', `the clock of this machine is ${difference(skew)} that of the API server`, {
              text: 'have it set by NTP',
              command: 'sudo timedatectl set-ntp true',
            }),
          ),
        ];
  const ahead = itemsOf(leases).filter(
    ({ namespace, renewedAt }) => namespace === nodeLeases && renewedAt - serverNow > tolerableMs,
  );
  return {
    findings: [...own, ...ahead.map((lease) => aheadOf(lease, serverNow))],
    unknown: unknownOf(leases),
  };
}

function aheadOf({ name, renewedAt }: LeaseFacts, serverNow: number) {
  const text = `the clock of node ${name} is ${difference(renewedAt - serverNow)} that of the API server: tokens and leases there end at the wrong time`;
  const command = `kubectl debug node/${shellWord(name)} --image=busybox --profile=sysadmin -- chroot /host timedatectl set-ntp true`;
  return found(`Node/${name}`, problem('clock', text, { text: 'have the node set it by NTP', command }));
}

function difference(ms: number): string {
  return `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead of' : 'behind'}`;
}
