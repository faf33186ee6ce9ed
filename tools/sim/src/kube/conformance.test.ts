import { afterAll, beforeAll, describe, test } from 'vitest';
import { openDoor, type Door } from '../../test/conformance/door.ts';
import { accessRows } from '../../test/conformance/access-rows.ts';
import { controllerRows } from '../../test/conformance/controller-rows.ts';
import { customRows } from '../../test/conformance/custom-rows.ts';
import { listRows } from '../../test/conformance/list-rows.ts';
import { objectRows } from '../../test/conformance/object-rows.ts';
import { tokenRows } from '../../test/conformance/token-rows.ts';
import { defineKinds, openStage } from '../../test/conformance/row.ts';
import { startKube, type KubeSim } from './index.ts';

// The same rows run against real API servers in test/api-server.real.test.ts.
describe('the simulated API server behaves as the real one', () => {
  let kube: KubeSim;
  let door: Door;

  beforeAll(async () => {
    kube = await startKube({ podTermination: 'manual' });
    door = openDoor(kube.url);
    await defineKinds(door);
    kube.compact();
  });
  afterAll(() => kube.stop());

  test.for([...objectRows, ...accessRows, ...listRows, ...customRows, ...controllerRows, ...tokenRows])(
    '$sentence ($source)',
    async ({ check }) => {
      await check(await openStage(door, 1));
    },
  );
});
