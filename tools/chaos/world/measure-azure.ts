// Faults of ARM at one host.
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../stage/within.ts';
import type { MeasuredFault } from '../plan/faults.ts';
import * as arm from './arm-faults.ts';
import { grantHost, revokeHost } from './azure.ts';
import { patienceMs } from './probes.ts';
import { afterPod, type Measure } from './recovery-time.ts';

export const azureMeasures = {
  'arm-answer-lost': (world, fault) => {
    const lift = arm.loseArmAnswer(world, fault.host);
    return afterPod(world, fault, { fault: arm.nextPatch(world, fault.host), lift });
  },
  'arm-slow': (world, fault) => {
    const lift = arm.slowArm(world, fault.host, fault.holdMs);
    const ended = arm.nextPatch(world, fault.host).then(() => arm.untilState(world, fault.host, 'Succeeded'));
    return afterPod(world, fault, { fault: ended, lift });
  },
  'arm-late-failure': (world, fault) => {
    const [slow, fail] = [arm.slowArm(world, fault.host, fault.holdMs), arm.failArm(world, fault.host)];
    const failed = arm.nextPatch(world, fault.host).then(() => arm.untilState(world, fault.host, 'Failed'));
    const lift = () => {
      slow();
      return fail();
    };
    return afterPod(world, fault, { fault: failed, lift });
  },
  'host-updating': async (world, fault) => {
    await within(
      patienceMs,
      `the end of the update of ${fault.host}`,
      arm.untilState(world, fault.host, 'Succeeded'),
    );
    const lift = arm.occupyHost(world, fault.host);
    return afterPod(world, fault, { fault: delay(fault.holdMs), lift });
  },
  'arm-429': (world, fault) => {
    const lift = arm.throttleArm(world, fault.host);
    return afterPod(world, fault, { fault: delay(fault.holdMs), lift });
  },
  'roles-revoked': (world, fault) => {
    const { azure } = world.stage.sim;
    const refused = arm.countResponses(azure, fault.host, { status: 403 });
    revokeHost(azure, fault.host);
    const lift = () => {
      grantHost(azure, fault.host);
      return refused();
    };
    return afterPod(world, fault, { fault: delay(fault.holdMs), lift });
  },
} satisfies Partial<Record<MeasuredFault['kind'], Measure>>;
