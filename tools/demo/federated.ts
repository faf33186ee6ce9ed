// The chapter without MIC: a pod reads a secret with a federated identity, which no machine has. The names are those of docs/administrator/federated.md.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  audience,
  brokerNamespace,
  brokerParts,
  brokerSubject,
  requestToken,
  runBrokerPod,
  runSystemPod,
} from '../stage/broker.ts';
import * as names from '../stage/names.ts';
import { pathOf, type KubeObject } from '../stage/objects.ts';
import { inDeploy } from '../stage/places.ts';
import type { Service } from '../stage/service.ts';
import type { Stage, StageNmi } from '../stage/stage.ts';
import { untilObject } from '../stage/until.ts';
import { askForToken, vaultRead, type Narrator, type Programs } from './story.ts';

const node = 1;
const namespace = 'pay';
/** The tokens of the broker and of NMI are not renewed here, and `--keep` may last. */
const lifetimeSeconds = 24 * 60 * 60;
const patienceMs = 60_000;

export async function readSecretFederated(
  stage: Stage,
  narrator: Narrator,
  programs: Programs,
): Promise<Programs> {
  narrator.step(7, 'MIC is stopped, and a pod reads a secret with a federated identity');
  const stopped = [...programs.mics, ...programs.nmis.slice(node).map(({ service }) => service)];
  const [broker] = await Promise.all([startBroker(stage), ...stopped.map((service) => service.stop())]);
  narrator.say('MIC     both replicas are stopped: nobody attaches identities to VMs');
  narrator.say('broker  runs: it exchanges the token of its own ServiceAccount at Entra');
  await createIdentity(stage, narrator);
  const nmi = await startNmi(stage);
  narrator.say(`NMI     of node ${names.nodeName(node)} was started again, with the broker and without MIC`);
  await showRefusal(stage, narrator, nmi);
  await readAsWeb(stage, narrator, nmi);
  return { mics: [], nmis: programs.nmis.with(node, nmi), brokers: [broker] };
}

async function startBroker(stage: Stage): Promise<Service> {
  for (const part of brokerParts) await stage.apply(inDeploy(part));
  const pod = await runBrokerPod(stage, 'broker');
  const account = `${brokerNamespace}/broker`;
  const spec = { account, audience: audience.ofEntra, pod, lifetimeSeconds };
  const assertion = await requestToken(stage.kube, spec);
  const { service } = await stage.startBroker({ pod, assertion });
  // Agents dial it by this entry.
  await untilObject(stage.kube, {
    path: pathOf({ apiVersion: 'v1', kind: 'ConfigMap', namespace: brokerNamespace }),
    fits: ({ data }) => Object.hasOwn({ ...(data as object | undefined) }, pod.metadata.name),
  });
  return service;
}

async function createIdentity(stage: Stage, narrator: Narrator): Promise<void> {
  const { world } = stage.sim.azure;
  const { id: resourceId, clientId } = names.federatedIdentity;
  const { principalId } = world.addIdentity({ resourceId, clientId, tenantId: names.tenant });
  world.allowRead(names.vault, principalId);
  world.addFederatedCredential(clientId, { issuer: stage.sim.kube.url, subject: brokerSubject });
  narrator.say('Azure   demo_federated_identity has a federated credential, for the broker');
  for (const object of objects()) await stage.create(object);
  narrator.say('object  AzureIdentity pay/vault of type 3 stands for it');
  narrator.say('RBAC    a ClusterRole lets the ServiceAccount pay/web use it');
}

function objects(): KubeObject[] {
  const { clientId: clientID } = names.federatedIdentity;
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  const rbac = 'rbac.authorization.k8s.io';
  const metadata = { namespace, name: 'vault' };
  const binding = { azureIdentity: 'vault', selector: 'vault' };
  const role = { name: 'use-pay-vault' };
  const rule = {
    apiGroups: ['azure.aadpodidentity.k8s.io'],
    resources: ['federatedidentities'],
    resourceNames: [`${names.tenant}/${clientID}`],
    verbs: ['use'],
  };
  const roleRef = { apiGroup: rbac, kind: 'ClusterRole', ...role };
  const subjects = [{ kind: 'ServiceAccount', namespace, name: 'web' }];
  const account = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name },
  });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    ...['web', 'guest'].map(account),
    { apiVersion, kind: 'AzureIdentity', metadata, spec: { type: 3, tenantID: names.tenant, clientID } },
    { apiVersion, kind: 'AzureIdentityBinding', metadata, spec: binding },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRole', metadata: role, rules: [rule] },
    { apiVersion: `${rbac}/v1`, kind: 'ClusterRoleBinding', metadata: role, roleRef, subjects },
  ];
}

async function startNmi(stage: Stage): Promise<StageNmi> {
  const account = 'nmi';
  const pod = await runSystemPod(stage, { name: 'nmi', account, node });
  const tokenFile = join(stage.folder, 'nmi.token');
  const bound = { account: `${names.systemNamespace}/${account}`, pod, lifetimeSeconds };
  await writeFile(tokenFile, await requestToken(stage.kube, bound));
  return stage.startNmi(node, [
    ...['--broker', brokerNamespace, '--broker-token-file', tokenFile],
    // Without AzureAssignedIdentities, which MIC writes.
    ...['--operation-mode', 'managed'],
  ]);
}

const openPod = async (stage: Stage, nmi: StageNmi, name: string) =>
  stage.path(await stage.runPod({ name, namespace, node, label: 'vault', serviceAccount: name }), nmi);

async function showRefusal(stage: Stage, narrator: Narrator, nmi: StageNmi): Promise<void> {
  const { url } = await openPod(stage, nmi, 'guest');
  const { status, error, reason } = await untilDecided(() => askForToken(url));
  const [word = ''] = error.split(':', 1);
  narrator.say(`a pod whose ServiceAccount has no right: ${status} ${word}`);
  // Without ids, which are longer than a line of a terminal.
  const ids = `${names.tenant}/${names.federatedIdentity.clientId}`;
  narrator.say(`  ${reason.replaceAll(ids, '<tenant>/<client id>')}`);
}

/** NMI that has just been started may not have read everything yet. */
async function untilDecided<T extends { readonly status: number }>(ask: () => Promise<T>): Promise<T> {
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask();
    if (answer.status !== 503 || performance.now() > endsAt) return answer;
    await pause(500);
  }
}

async function readAsWeb(stage: Stage, narrator: Narrator, nmi: StageNmi): Promise<void> {
  const sample = stage.startSample(await openPod(stage, nmi, 'web'), {
    SECRET_NAMES: 'database-password',
    INTERVAL_SECONDS: '1',
  });
  narrator.say(`sample  ${await sample.line((text) => text.startsWith('read secret '))}`);
  await sample.stop();
  await vaultRead(stage, names.federatedIdentity.id);
  const attached = stage.sim.azure.world.attachedTo(names.scaleSetId(names.scaleSet));
  if (attached.includes(names.federatedIdentity.id.toLowerCase()))
    throw new Error('the federated identity is attached to the scale set');
  narrator.say('vault   reader is demo_federated_identity, which is attached to no VM');
}
