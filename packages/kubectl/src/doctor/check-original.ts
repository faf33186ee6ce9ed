import { problem } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { ownOf } from '../cluster/services.ts';
import { isRunning, objectIdOf } from './check-services.ts';
import { found, type CheckResult, type DoctorFacts, type ObjectFinding } from './facts.ts';

type Controller = DoctorFacts['services']['mic'][number];

/** One MIC alone changes the hosts: the original's does so beside ours, and one of ours that has another Lease. */
export function checkOriginal({ services, originalRuns }: DoctorFacts): CheckResult {
  const running = services.mic.filter(isRunning);
  const originals = running.filter(({ isOriginal }) => isOriginal);
  const ours = ownOf(running);
  if (originals.length === 0 && originalRuns !== undefined)
    return { findings: [found('Endpoints', problem('original', originalRuns))], unknown: [] };
  const besideOurs = ours.length === 0 ? [] : originals;
  return { findings: [...besideOurs.map(beside), ...withOtherLease(ours)], unknown: [] };
}

function beside(original: Controller): ObjectFinding {
  const { namespace, name } = original;
  const text = `the original's MIC (Deployment ${namespace}/${name}) runs beside ours: both change the same hosts and objects, and undo each other's work`;
  const remedy = {
    text: 'scale it down; our MIC goes on with its objects',
    command: `kubectl scale deployment ${name} --namespace ${namespace} --replicas=0`,
  };
  return found(objectIdOf(original), problem('original', text, remedy));
}

/** Those with the Lease of the first wait until it ends. Which one is superfluous is not known here. */
function withOtherLease(ours: readonly Controller[]): readonly ObjectFinding[] {
  const [first, ...others] = ours;
  if (first === undefined) return [];
  return others
    .filter((other) => leaseOf(other) !== leaseOf(first))
    .map((other) => {
      const text = `two MICs run, ${objectIdOf(first)} and ${objectIdOf(other)}, each with its own Lease: both change the same hosts and objects, and undo each other's work`;
      return found(
        objectIdOf(other),
        problem('original', text, { text: 'scale down or delete one of them' }),
      );
    });
}

/** `namespace/name`; of a MIC whose flags are not understood, one of its own. */
function leaseOf(controller: Controller): string {
  const { config } = controller;
  return 'problems' in config ? `of ${objectIdOf(controller)}` : keyOf(config.leader);
}
