// The steps of the article of 2018, from its first kubectl to the last refusal. One function for each step; each returns
// its results, so that a test can check them. The narrator only prints.
import { aborted } from '@pod-identity/kit/core';
import type { JournalEntry } from '@pod-identity/sim';
import * as names from '../stage/names.ts';
import { pathOf, readManifests, type KubeObject } from '../stage/objects.ts';
import { parseLine, type Service } from '../stage/service.ts';
import { inDeploy } from '../stage/places.ts';
import { type Stage, type StageNmi, type StagePod } from '../stage/stage.ts';
import { untilObject } from '../stage/until.ts';

export interface Narrator {
  step(number: number, title: string): void;
  /** In a terminal, further lines of the text begin below its first word, or below what follows two blanks. */
  say(text: string): void;
}

export interface Programs {
  readonly mics: readonly Service[];
  readonly nmis: readonly StageNmi[];
  readonly brokers: readonly Service[];
}

export interface Refusal {
  readonly who: string;
  readonly status: number;
  readonly error: string;
  readonly reason: string;
}

export interface Summary {
  readonly arm: number;
  readonly armPatches: number;
  readonly imds: number;
  readonly entra: number;
  readonly vault: number;
  readonly firstTokenMs: number;
}

/** Where the story's three objects come from: deploy/demo, or the article's own spelling in deploy/demo/2018. */
export interface Manifests {
  readonly identity: string;
  readonly binding: string;
  readonly pod: string;
}
export const manifests: Manifests = {
  identity: 'demo/azureidentity.yaml',
  binding: 'demo/azureidentitybinding.yaml',
  pod: 'demo/pod.yaml',
};
export const manifests2018: Manifests = {
  identity: 'demo/2018/aad_identity.yaml',
  binding: 'demo/2018/aad_identity_binding.yaml',
  pod: 'demo/2018/pod.yaml',
};

export async function startPrograms(stage: Stage, narrator: Narrator): Promise<Programs> {
  narrator.step(1, 'Start: Azure, Kubernetes, MIC and NMI');
  await stage.install();
  narrator.say('Azure       a scale set of two VMs, a Key Vault, two managed identities');
  narrator.say('Kubernetes  two nodes, which are the VMs; the CRDs and RBAC of deploy/');
  const mics = await startMics(stage);
  narrator.say('MIC         two replicas, one leads: it attaches identities to the VMs');
  const nmis = await Promise.all([stage.startNmi(0), stage.startNmi(1)]);
  narrator.say('NMI         one on each node: it answers the token requests of the pods');
  return { mics, nmis, brokers: [] };
}

export async function startMics(stage: Stage): Promise<readonly Service[]> {
  const mics = [await stage.startMic('1'), await stage.startMic('2')];
  await Promise.any(mics.map((mic) => mic.logged('became leader')));
  return mics;
}

/** Of the objects of deploy/demo. */
const meaning: Readonly<Record<string, string>> = {
  AzureIdentity: 'stands for demo_pod_identity',
  AzureIdentityBinding: `gives it to pods with the label ${names.bindingLabel}: demo-app`,
};

export async function applyManifests(stage: Stage, narrator: Narrator, from: Manifests): Promise<StagePod> {
  narrator.step(2, 'Apply an AzureIdentity, an AzureIdentityBinding and a labelled pod');
  for (const file of [from.identity, from.binding]) {
    for (const object of await stage.apply(inDeploy(file)))
      narrator.say(`${object.kind.padEnd(20)}  ${object.metadata.name} ${meaning[object.kind] ?? ''}`);
  }
  const [object] = await readManifests(inDeploy(from.pod));
  if (!object) throw new Error(`${from.pod} holds no pod`);
  const label = object.metadata.labels?.[names.bindingLabel] ?? '';
  const pod = await stage.runPod({ name: object.metadata.name, node: 0, label, object });
  narrator.say(`${'Pod'.padEnd(20)}  sample-pod has the label, and runs on node ${names.nodeName(0)}`);
  return pod;
}

/** The article's line in MIC's log, and the Event with the same text on the binding. */
export async function awaitAssignment(
  stage: Stage,
  narrator: Narrator,
  programs: Programs,
): Promise<{ line: string; event: KubeObject }> {
  narrator.step(3, 'MIC attaches the identity to the scale set and says so');
  const applied = /Binding demo-aad-identity-binding applied on node [\w.-]+ for pod [\w.-]+/;
  const line = await Promise.any(programs.mics.map((mic) => mic.line((text) => applied.test(text))));
  const sentence = applied.exec(line)?.[0] ?? '';
  narrator.say(`log    ${sentence}`);
  const event = await untilObject(stage.kube, {
    path: pathOf({ apiVersion: 'v1', kind: 'Event', namespace: 'default' }),
    fits: (candidate) =>
      candidate['reason'] === 'binding applied' && applied.test(String(candidate['message'])),
  });
  narrator.say(`Event  the same, on the AzureIdentityBinding: '${String(event['reason'])}'`);
  return { line: sentence, event };
}

/** The unmodified sample reads a secret; the vault's journal has the identity. */
export async function readSecret(
  stage: Stage,
  narrator: Narrator,
  where: { pod: StagePod; nmi: StageNmi },
): Promise<{ sample: Service; podUrl: string; entry: JournalEntry; ms: number }> {
  narrator.step(4, 'The pod reads a secret with DefaultAzureCredential, without settings');
  const path = await stage.path(where.pod, where.nmi);
  const begun = performance.now();
  const sample = stage.startSample(path, {
    SECRET_NAMES: 'database-password,api-key',
    INTERVAL_SECONDS: '1',
  });
  // It reads several at a time, in any order.
  const read = await sample.line((text) => /^(could not )?read secret database-password/.test(text));
  const ms = performance.now() - begun;
  narrator.say(`sample  ${read}`);
  if (read.startsWith('could not')) throw new Error(`the sample read nothing: ${read}`);
  const entry = await vaultRead(stage, names.firstIdentity.id);
  narrator.say('vault   reader is demo_pod_identity; token and rights are verified');
  return { sample, podUrl: path.url, entry, ms };
}

export async function swapIdentity(
  stage: Stage,
  narrator: Narrator,
  sample: Service,
): Promise<{ entry: JournalEntry; samePid: boolean }> {
  narrator.step(5, 'The administrator swaps the identity under the running pod');
  const { pid } = sample;
  await stage.apply(inDeploy('demo/azureidentity-swapped.yaml'));
  narrator.say('AzureIdentity demo-aks-pod-id stands for demo_pod_identity_2 now');
  const entry = await vaultRead(stage, names.secondIdentity.id);
  const samePid = sample.pid === pid && sample.exitCode === null;
  narrator.say('vault   reader is demo_pod_identity_2; the process was not restarted');
  return { entry, samePid };
}

/** The first successful read of a secret by this identity's principal, past or future. */
export async function vaultRead(stage: Stage, identity: string): Promise<JournalEntry> {
  const { azure } = stage.sim;
  const { principalId } = azure.world.identity(identity);
  const late = AbortSignal.timeout(60_000);
  for (let since = 0; ;) {
    const found = azure.reads().find((read) => read.principalId === principalId);
    if (found) return found.entry;
    const entry = await Promise.race([azure.journal.next({ service: 'vault', since }), aborted(late)]);
    if (!entry) throw new Error(`nothing was read from the vault as ${identity} within a minute`);
    since = entry.sequence;
  }
}

export async function showRefusals(stage: Stage, narrator: Narrator, programs: Programs): Promise<Refusal[]> {
  narrator.step(6, 'What must be refused is refused, and says why');
  await stage.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'other-team' } });
  const node = 1;
  const pods = {
    'a pod without the label': await stage.runPod({ name: 'unlabelled', node }),
    'a pod of another namespace': await stage.runPod({
      name: 'stranger',
      namespace: 'other-team',
      node,
      label: 'demo-app',
    }),
    "a client id that isn't the pod's": await stage.runPod({ name: 'greedy', node, label: 'demo-app' }),
  };
  const nmi = programs.nmis[node];
  if (!nmi) throw new Error('there is no NMI on the second node');
  const refusals: Refusal[] = [];
  for (const [who, pod] of Object.entries(pods)) {
    const clientId = who.startsWith('a client id') ? `&client_id=${names.clusterIdentity.clientId}` : '';
    const path = await stage.path(pod, nmi);
    const answer = await askForToken(path.url, clientId);
    refusals.push({ who, ...answer });
    // The reason is in both fields.
    const [word = ''] = answer.error.split(':', 1);
    narrator.say(`${who}: ${answer.status} ${word}`);
    narrator.say(`  ${answer.reason}`);
  }
  return refusals;
}

/** Longer than the longest --hold. */
const patienceMs = 90_000;

/** The response to a pod's token request for Key Vault. */
export async function askForToken(
  url: string,
  selector = '',
): Promise<{ status: number; error: string; reason: string; token?: string }> {
  const query = `api-version=2018-02-01&resource=${encodeURIComponent('https://vault.azure.net')}${selector}`;
  const response = await fetch(`${url}/metadata/identity/oauth2/token?${query}`, {
    headers: { Metadata: 'true' },
    signal: AbortSignal.timeout(patienceMs),
  });
  const body = parseLine(await response.text());
  const token = body['access_token'];
  return {
    status: response.status,
    error: typeof body['error'] === 'string' ? body['error'] : '',
    reason: typeof body['error_description'] === 'string' ? body['error_description'] : '',
    ...(typeof token === 'string' ? { token } : {}),
  };
}

export function summarise(stage: Stage, narrator: Narrator, firstTokenMs: number): Summary {
  narrator.step(8, 'Summary');
  const { journal } = stage.sim.azure;
  const summary = {
    arm: journal.count({ service: 'arm' }),
    armPatches: journal.count({ service: 'arm', method: 'PATCH' }),
    imds: journal.count({ service: 'imds' }),
    entra: journal.count({ service: 'entra' }),
    vault: journal.count({ service: 'vault' }),
    firstTokenMs,
  };
  narrator.say(
    `Calls: ARM ${summary.arm} (PATCH: ${summary.armPatches}), IMDS ${summary.imds}, Entra ${summary.entra}, Key Vault ${summary.vault}`,
  );
  narrator.say(`From the start of the sample to its first secret: ${Math.round(firstTokenMs)} ms`);
  return summary;
}
