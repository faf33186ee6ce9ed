import { afterAll, beforeAll, expect, test } from 'vitest';
import * as story from '../../demo/story.ts';
import * as names from '../../stage/names.ts';
import { openStage, type Stage } from '../../stage/stage.ts';
import { describeServers } from '../servers.ts';

const silent: story.Narrator = { step: () => undefined, say: () => undefined };

describeServers('the walking house on $name', ({ start }) => {
  let stage: Stage;
  let programs: story.Programs;
  let pod: Awaited<ReturnType<typeof story.applyManifests>>;
  let read: Awaited<ReturnType<typeof story.readSecret>>;
  let stopServer: () => Promise<void> = () => Promise.resolve();

  beforeAll(async () => {
    const server = await start();
    stopServer = server.stop;
    stage = await openStage({ ...server.options, azure: { tokenLifetimeSeconds: 4 } });
  });
  afterAll(async () => {
    await stage.stop();
    await stopServer();
  });

  test('1. two MICs start and one leads; an NMI listens on each node', async () => {
    programs = await story.startPrograms(stage, silent);
    expect(programs.mics).toHaveLength(2);
    // Where loopback has one address, as on macOS, their ports differ.
    const places = programs.nmis.map(({ address, port }) => `${address}:${port}`);
    expect([...new Set(places)]).toEqual(places);
    const leaders = programs.mics.filter((mic) => mic.lines.some((line) => line.includes('became leader')));
    expect(leaders).toHaveLength(1);
  });

  test('2. the manifests of deploy/ are accepted', async () => {
    pod = await story.applyManifests(stage, silent, story.manifests);
    expect(pod.object.metadata).toMatchObject({
      name: 'sample-pod',
      labels: { aadpodidbinding: 'demo-app' },
    });
  });

  test("3. MIC attaches the identity to the scale set and reports the article's sentence in its log and as an Event", async () => {
    const { line, event } = await story.awaitAssignment(stage, silent, programs);
    const sentence = `Binding demo-aad-identity-binding applied on node ${names.nodeName(0)} for pod sample-pod`;
    expect(line).toContain(sentence);
    expect(event['message']).toContain(sentence);
    expect(event).toMatchObject({ type: 'Normal', involvedObject: { kind: 'AzureIdentityBinding' } });
    const attached = Object.keys(
      stage.sim.azure.world.host(names.scaleSetId(names.scaleSet)).identity.userAssignedIdentities,
    );
    expect(attached.map((id) => id.toLowerCase()).sort()).toEqual(
      [names.clusterIdentity.id, names.firstIdentity.id].map((id) => id.toLowerCase()).sort(),
    );
  });

  test('4. the unmodified sample reads a secret as the pod’s identity', async () => {
    const nmi = programs.nmis[0]!;
    read = await story.readSecret(stage, silent, { pod, nmi });
    const { principalId } = stage.sim.azure.world.identity(names.firstIdentity.id);
    // It reads several at a time, in any order.
    await read.sample.line((text) => text.startsWith('read secret database-password'));
    const expected = { secret: 'database-password', principalId };
    expect(stage.sim.azure.reads()).toContainEqual(expect.objectContaining(expected));
    for (const { principalId: reader } of stage.sim.azure.reads()) expect(reader).toBe(principalId);
    expect(read.sample.lines.join('\n')).not.toContain('correct horse');
  });

  test('5. after the swap the same process reads the next secret as the other identity', async () => {
    const swapped = await story.swapIdentity(stage, silent, read.sample);
    expect(swapped.samePid).toBe(true);
    expect(swapped.entry.status).toBe(200);
  });

  test('6. a pod without the label, of another namespace, or with a foreign client id is refused with a reason', async () => {
    const refusals = await story.showRefusals(stage, silent, programs);
    expect(refusals.map(({ status }) => status)).toEqual([400, 400, 400]);
    const [unlabelled, stranger, greedy] = refusals.map(({ reason }) => reason);
    expect(unlabelled).toMatch(/unlabelled has no label aadpodidbinding/i);
    expect(stranger).toMatch(/namespace/i);
    expect(greedy).toContain(`may ask for: ${names.secondIdentity.clientId}`);
    for (const refusal of refusals) expect(refusal).not.toHaveProperty('token');
  });

  test('7. the summary counts the calls to Azure, and no log contains a token', () => {
    const summary = story.summarise(stage, silent, read.ms);
    expect(summary.armPatches).toBeLessThanOrEqual(3);
    expect(summary.imds).toBeGreaterThan(0);
    const printed = [...programs.mics, ...programs.nmis.map(({ service }) => service)].flatMap(
      ({ lines }) => lines,
    );
    expect(printed.filter((line) => /eyJ[\w-]{10,}\./.test(line))).toEqual([]);
  });
});
