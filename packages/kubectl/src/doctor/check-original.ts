import { problem } from '@pod-identity/policy';
import { isRunning, keyOf } from './check-services.ts';
import { found, type Checked, type DoctorWorld } from './world.ts';

/** One MIC alone changes the hosts. */
export function checkOriginal({ services, originalRuns }: DoctorWorld): Checked {
  const running = services.mic.filter(isRunning);
  const originals = running.filter(({ isOriginal }) => isOriginal);
  const isAlone = running.length === originals.length;
  if (originals.length === 0 && originalRuns !== undefined)
    return { findings: [found('Endpoints', problem('original', originalRuns))], unknown: [] };
  const findings = isAlone
    ? []
    : originals.map((original) => {
        const { namespace, name } = original;
        const text = `the original's MIC (Deployment ${namespace}/${name}) runs beside ours: both change the same hosts and objects, and undo each other's work`;
        const remedy = {
          text: 'scale it down; our MIC goes on with its objects',
          command: `kubectl scale deployment ${name} --namespace ${namespace} --replicas=0`,
        };
        return found(keyOf(original), problem('original', text, remedy));
      });
  return { findings, unknown: [] };
}
