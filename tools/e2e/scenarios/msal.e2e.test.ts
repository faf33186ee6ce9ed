// The library under every Azure SDK for JavaScript, alone and unmodified, in a process that finds NMI as a pod would.
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as names from '../../stage/names.ts';
import { startService } from '../../stage/service.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';
import { fileURLToPath } from 'node:url';
import { identityObjects, untilAssigned } from '../objects.ts';

const program = fileURLToPath(new URL('../msal-client.ts', import.meta.url));

let stage: Stage;
let nmi: StageNmi;
let pod: StagePod;

beforeAll(async () => {
  stage = await openStage();
  await stage.install();
  await (await stage.startMic('1')).logged('became leader');
  nmi = await stage.startNmi(0);
  for (const object of identityObjects({ name: 'msal', ...names.firstIdentity })) await stage.create(object);
  pod = await stage.runPod({ name: 'msal-pod', node: 0, label: 'msal' });
  await untilAssigned(stage.kube, ['msal-pod']);
});
afterAll(() => stage.stop());

/** What the client says, in one line: the client id of the token, or the error's code. */
async function ask(selector: Readonly<Record<string, string>>): Promise<string> {
  const path = await stage.path(pod, nmi);
  const client = startService({
    name: 'msal client',
    entry: program,
    args: [JSON.stringify(selector)],
    env: { AZURE_POD_IDENTITY_AUTHORITY_HOST: path.url },
  });
  const line = await client.line((text) => text.startsWith('msal: '));
  await client.stop();
  return line;
}

test.each([
  ['no selector', {}],
  ['a client id', { userAssignedClientId: names.firstIdentity.clientId }],
  ['a resource id', { userAssignedResourceId: names.firstIdentity.id }],
  ['a client id in capitals', { userAssignedClientId: names.firstIdentity.clientId.toUpperCase() }],
])('MSAL gets a token of the pod’s identity with %s', async (_, selector) => {
  expect(await ask(selector)).toBe(`msal: token of ${names.firstIdentity.clientId}`);
});

test('MSAL is refused at once, without a retry, when it asks for an identity that is not the pod’s', async () => {
  const told = await ask({ userAssignedClientId: names.clusterIdentity.clientId });
  expect(told).toMatch(/^msal: refused .*Identity not found/);
});
