import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { startApiServer, whyNoApiServer } from '@pod-identity/kit/testing';
import { accessRows } from './conformance/access-rows.ts';
import { controllerRows } from './conformance/controller-rows.ts';
import { customRows } from './conformance/custom-rows.ts';
import { tokenRows } from './conformance/token-rows.ts';
import { openDoor, type Door } from './conformance/door.ts';
import { listRows } from './conformance/list-rows.ts';
import { objectRows } from './conformance/object-rows.ts';
import { defineKinds, openStage, type Flavour } from './conformance/row.ts';

// Real API servers satisfy the same rows as the simulator, which shows that the rows and the simulator are right.
const missing = whyNoApiServer();
if (missing !== undefined) console.warn(`the simulator's rows are skipped on real API servers: ${missing}`);

interface Running {
  readonly door: Door;
  stop(): Promise<void>;
}

async function startReal(flavour: Flavour): Promise<Running> {
  const api = await startApiServer({ flavour, hasControllers: true, flags: flags[flavour] });
  if ('skipped' in api) throw new Error(api.skipped);
  const read = (name: string) => readFile(join(api.certificates, name), 'utf8');
  const [ca, cert, key] = await Promise.all([read('ca.crt'), read('admin.crt'), read('admin.key')]);
  const door = openDoor(api.server, { ca, cert, key });
  await defineKinds(door);
  return { door, stop: () => api.stop() };
}

/** v1.20 without the admission plugin that requires tokens of service accounts for pods. */
const flags: Readonly<Record<Flavour, readonly string[]>> = {
  'v1.20': ['--disable-admission-plugins=ServiceAccount'],
  'v1.36': [],
};
/** Long enough for a bookmark, which is sent two seconds before the end. */
const patienceSeconds = 4;

describe.runIf(missing === undefined).for(['v1.20', 'v1.36'] as const)(
  'the real API server %s',
  (flavour) => {
    let real: Running | undefined;

    beforeAll(async () => {
      real = await startReal(flavour);
    }, 300_000);
    afterAll(() => real?.stop());

    const rows = [...objectRows, ...accessRows, ...listRows, ...customRows, ...controllerRows, ...tokenRows];
    const alike = rows.filter((row) => row.unlike?.[flavour] === undefined);
    test.for(alike)('$sentence', { timeout: 400_000 }, async ({ check }) => {
      await check(await openStage(real!.door, patienceSeconds));
    });
  },
);
