import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { whyNoApiServer } from '@pod-identity/kit/testing';
import { accessRows } from './conformance/access-rows.ts';
import { controllerRows } from './conformance/controller-rows.ts';
import { customRows } from './conformance/custom-rows.ts';
import { tokenRows } from './conformance/token-rows.ts';
import { openDoor, type Door } from './conformance/door.ts';
import { listRows } from './conformance/list-rows.ts';
import { objectRows } from './conformance/object-rows.ts';
import { defineKinds, openStage, type Flavour } from './conformance/row.ts';

// Real API servers satisfy the same rows as the simulator, which shows that the rows and the simulator are right.
const run = promisify(execFile);
const kit =
  process.env['POD_IDENTITY_KIT_DIR'] ??
  fileURLToPath(new URL('../../../../shared/kubernetes', import.meta.url));
const apiServer = join(kit, 'api-server');
const missing = whyNoApiServer();
if (missing !== undefined) console.warn(`the simulator's rows are skipped on real API servers: ${missing}`);

interface Running {
  readonly door: Door;
  stop(): Promise<void>;
}

async function startReal(flavour: Flavour): Promise<Running> {
  const parent = await mkdtemp(join(tmpdir(), 'real-api-server-'));
  const folder = join(parent, 'server');
  await run(apiServer, ['up', folder, '--flavour', flavour, ...flags[flavour]]);
  const { server } = JSON.parse(await readFile(join(folder, 'kit.json'), 'utf8')) as { server: string };
  const read = (name: string) => readFile(join(folder, 'pki', name), 'utf8');
  const [ca, cert, key] = await Promise.all([read('ca.crt'), read('admin.crt'), read('admin.key')]);
  const door = openDoor(server, { ca, cert, key });
  await defineKinds(door);
  return {
    door,
    stop: async () => {
      await run(apiServer, ['down', folder]);
      await rm(parent, { recursive: true });
    },
  };
}

/** With controllers; v1.20 without the admission plugin that requires tokens of service accounts for pods. */
const flags: Readonly<Record<Flavour, readonly string[]>> = {
  'v1.20': ['--controllers', '--', '--disable-admission-plugins=ServiceAccount'],
  'v1.36': ['--controllers'],
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
