import { expect, it } from 'vitest';
import { plan } from './test/cluster-plan.ts';
import { assigned, pod, rules, snapshot } from './test/builders.ts';

it('C45 20,000 pods on one node are 20,000 steps of one plan, and 10,000 fewer are 10,000 deletes', () => {
  const names = Array.from({ length: 20_000 }, (_, position) => `web-${position}`);
  const [onePod, oneObject] = [pod(), assigned()];
  const pods = names.map((name) => ({ ...onePod, name }));
  const created = plan(snapshot({ pods, assigned: [] }), rules);
  expect(created.hosts.map(({ steps }) => steps.length)).toEqual([20_000]);
  const objects = names.map((podName) => ({ ...oneObject, podName, name: `${podName}-shop-reader` }));
  const halved = plan(snapshot({ pods: pods.slice(10_000), assigned: objects }), rules);
  expect(halved.hosts.map(({ steps }) => steps.filter(({ kind }) => kind === 'delete').length)).toEqual([
    10_000,
  ]);
});
