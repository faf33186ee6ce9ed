// Conditions of AzureIdentities and AzureIdentityBindings when the API server does not take them, and across terms.
import { afterEach, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
const enter = async () => (scene = await setScene({ scaleSets: [{ name: 'vmss1', instances: 1 }] }));
afterEach(() => scene[Symbol.asyncDispose]());

const minuteMs = 60_000;
const refuseStatus = () =>
  scene.sim.kube.faults.add({ match: { method: 'PATCH', path: /\/status$/ }, then: { status: 503 } });

function reasonsOf(plural: string): readonly unknown[] {
  return scene.sim.kube.list(plural).map(({ status }) => {
    const { conditions = [] } = (status ?? {}) as { conditions?: readonly { reason: string }[] };
    return conditions[0]?.reason;
  });
}

test('a condition that could not be written is written when the API server takes it again', async () => {
  await enter();
  const refused = refuseStatus();
  await scene.startMic();
  await scene.bind('app');
  await scene.until(() => refused.fired >= 2);
  refused.remove();
  await scene.until(() => reasonsOf('azureidentities')[0] === 'NotInUse', minuteMs);
  await scene.until(() => reasonsOf('azureidentitybindings')[0] === 'Bound', minuteMs);
});

test('a term judges every condition again, also those that the same MIC could not write in its last term', async () => {
  const { sim } = await enter();
  const mic = await scene.startMic({ elected: true });
  await scene.until(() => mic.controller.term !== undefined);
  const refused = refuseStatus();
  await scene.bind('app');
  await scene.until(() => refused.fired >= 2);
  const isolation = sim.kube.faults.add({ match: { path: /\/leases/ }, then: { status: 503 } });
  await scene.until(() => mic.controller.term === undefined, minuteMs);
  refused.remove();
  isolation.remove();
  await scene.until(() => mic.controller.term !== undefined, minuteMs);
  await scene.until(() => reasonsOf('azureidentities')[0] === 'NotInUse', 10_000);
  await scene.until(() => reasonsOf('azureidentitybindings')[0] === 'Bound', 10_000);
});
