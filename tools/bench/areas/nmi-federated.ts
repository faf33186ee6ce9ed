// The first token of a new pod by each way to have an identity, side by side, and the speed and memory of the broker. ARM, the metadata
// service and Entra answer at once: what remains is what this project adds.
import { setTimeout as pause } from 'node:timers/promises';
import { federatedTarget, rolesFor } from '@pod-identity/crd-types';
import { brokerNamespace, brokerSubject } from '../../stage/broker.ts';
import * as names from '../../stage/names.ts';
import { nodeSettings } from '../../stage/node-settings.ts';
import { nodeObject } from '../../stage/cluster.ts';
import { deleteObject, pathOf, type KubeObject } from '../../stage/objects.ts';
import type { NmiPlace } from '../../stage/programs.ts';
import { openStage, type Stage, type StageNmi } from '../../stage/stage.ts';
import { untilObject } from '../../stage/until.ts';
import { installBroker, startBroker, startBrokeredNmi, type StageBroker } from '../../e2e/federated/stage.ts';
import { open, timeOf } from '../load.ts';
import { pin } from '../pin.ts';
import { anonymousMiB } from '../process.ts';
import type { Figure, Figures } from '../report.ts';
import { addCaller, namespaceOf, runBrokerLoad, type BrokerRun } from './nmi-broker.ts';
import { at, ofRounds, single } from './nmi-figures.ts';
import type { NmiSizes } from './nmi-sizes.ts';
import { tokenPath } from './nmi-world.ts';

type Say = (text: string) => void;

/** Type 0 whose identity the machine has, type 0 whose identity it gets, and type 3. */
const ways = ['attached', 'toAttach', 'federated'] as const;
type Way = (typeof ways)[number];

/** Of one pod of each way, right after each other (ms). */
type FirstTokens = Readonly<Record<Way, number>>;

interface BrokerFigures {
  readonly fromMemory: BrokerRun;
  readonly exchanged: BrokerRun;
  /** Anonymous MiB. */
  readonly memory: { readonly started: number; readonly loaded: number };
}

interface Federated {
  readonly stage: Stage;
  readonly broker: StageBroker;
  /** Client ids of the identities of type 3. */
  readonly clientIds: readonly string[];
}

/** In turn, because the broker exchanges few tokens of one identity for one namespace and node: 16 at once, then one in two seconds. */
const identities = 8;
const brokerName = 'broker-a';
const patienceMs = 60_000;
const repeatMs = 100;

export async function federatedFigures(say: Say, sizes: NmiSizes): Promise<Figures> {
  const federated = await openFederated(sizes);
  const { stage, broker } = federated;
  try {
    const started = await anonymousMiB(broker.service.pid);
    const rounds = await firstTokens(federated, sizes, say);
    const loads = await brokerLoads(federated, sizes, say);
    const loaded = await anonymousMiB(broker.service.pid);
    const figures = { ...loads, memory: { started, loaded } };
    return [...firstTokenFigures(rounds), ...brokerFigures(figures, sizes)];
  } finally {
    await stage.stop();
  }
}

async function openFederated({ brokerCallers: nodes }: NmiSizes): Promise<Federated> {
  const stage = await openStage({ nodes, asDeployed: true, azure: { armLatencyMs: 0 } });
  try {
    await stage.install();
    await installBroker(stage);
    const clientIds = await addTrusted(stage);
    const namespaces = ['default', ...Array.from({ length: nodes }, (_, node) => namespaceOf(node))];
    const targets = clientIds
      .map((clientId) => federatedTarget(names.tenant, clientId))
      .flatMap((target) => (target.ok ? [target.value] : []));
    const subjects = namespaces.map((namespace) => ({ namespace, name: 'default' }));
    for (const object of rolesFor({ subjects, targets }).objects) await stage.create({ ...object });
    const broker = await startBroker({ stage, name: brokerName, env: (await nodeSettings('broker')).env });
    pin(broker.service.pid, 0);
    await untilListed(stage);
    return { stage, broker, clientIds };
  } catch (error) {
    await stage.stop();
    throw error;
  }
}

/** From then on NMI finds the broker. */
async function untilListed({ kube }: Stage): Promise<void> {
  const path = pathOf({ apiVersion: 'v1', kind: 'ConfigMap', namespace: brokerNamespace });
  const fits = ({ data }: KubeObject) => Object.hasOwn(data ?? {}, brokerName);
  await untilObject(kube, { path, fits });
}

/** Identities that trust the broker; Entra has the keys of the issuer already. Returns their client ids. */
async function addTrusted({ sim }: Stage): Promise<string[]> {
  const issuer = sim.kube.url;
  const { world } = sim.azure;
  const keys = (await (await fetch(`${issuer}/openid/v1/jwks`)).json()) as IssuerKeys;
  return Array.from({ length: identities }, (_, index) => {
    const resourceId = names.identityId(`federated-${index}`);
    const { clientId } = world.addIdentity({ resourceId, tenantId: names.tenant });
    world.addFederatedCredential(clientId, { issuer, subject: brokerSubject, keys });
    return clientId;
  });
}

type World = Stage['sim']['azure']['world'];
type IssuerKeys = NonNullable<Parameters<World['addFederatedCredential']>[1]['keys']>;

/** MIC sends 8 PATCHes of a host at once, and then one in 20 s: for one identity that is always the same, and for one of each round. */
const roundsOfNode = 7;

async function firstTokens(federated: Federated, sizes: NmiSizes, say: Say): Promise<FirstTokens[]> {
  const { stage } = federated;
  const counted = roundsOfNode - sizes.warmUpRounds;
  const nodes = Math.ceil(sizes.firstTokens / counted);
  await addBindings(federated, nodes * roundsOfNode);
  const places: NmiPlace[] = [];
  for (let node = 0; node < nodes; node += 1) places.push(await giveOwnHost(stage, node));
  const rounds: FirstTokens[] = [];
  const mic = await stage.startMic('a');
  pin(mic.pid, 0);
  for (const [node, place] of places.entries()) {
    const nmi = await startBrokeredNmi(stage, place);
    pin(nmi.service.pid, 0);
    const last = sizes.warmUpRounds + Math.min(counted, sizes.firstTokens - rounds.length);
    for (let index = 0; index < last; index += 1) {
      const times = await firstTokensOf({ stage, nmi, node, round: node * roundsOfNode + index });
      // The first rounds warm up.
      if (index >= sizes.warmUpRounds) rounds.push(times);
      say(
        `first tokens on node ${node}: ${ways.map((way) => `${way} ${times[way].toFixed(1)} ms`).join(', ')}`,
      );
    }
    await nmi.service.stop();
  }
  await mic.stop();
  return rounds;
}

/** Moves a node of the stage into a scale set of its own, because MIC limits the PATCHes of each. */
async function giveOwnHost(stage: Stage, node: number): Promise<NmiPlace> {
  const { kube, sim } = stage;
  const pool = `pool-${node}`;
  const id = names.scaleSetId(pool);
  sim.azure.world.addScaleSet({ id, instances: 1, identities: [names.clusterIdentity.id] });
  const before = nodeObject(node);
  await deleteObject(kube, before);
  await sim.azure.ready();
  await stage.create({ ...before, spec: { providerID: `azure://${id}/virtualMachines/0` } });
  return { node: names.nodeName(node), machine: `${pool}_0`, position: node + 1 };
}

interface Round {
  readonly stage: Stage;
  readonly nmi: StageNmi;
  readonly node: number;
  readonly round: number;
}

async function firstTokensOf(of: Round): Promise<FirstTokens> {
  const times = { attached: NaN, toAttach: NaN, federated: NaN };
  // Each way is the first one in turn.
  for (const index of ways.keys()) {
    const way = at(ways, (of.round + index) % ways.length);
    times[way] = await firstToken(of, way);
  }
  return times;
}

function labelOf(way: Way, round: number): string {
  if (way === 'attached') return way;
  return way === 'toAttach' ? `to-attach-${round}` : `federated-${round % identities}`;
}

/** From the request that creates the pod, for a resource of which nobody has a token yet; repeats a request that is refused, as clients do. */
async function firstToken({ stage, nmi, node, round }: Round, way: Way): Promise<number> {
  const begun = performance.now();
  const name = `first-${way.toLowerCase()}-${round}`;
  const { address } = await stage.runPod({ name, node, label: labelOf(way, round) });
  for (;;) {
    const socket = await open({ host: nmi.address, port: nmi.port }, address);
    const problem = await timeOf(socket, tokenPath(`https://${name}.local.test`)).then(
      () => undefined,
      (error: unknown) => error,
    );
    socket.destroy();
    const ms = performance.now() - begun;
    if (problem === undefined) return ms;
    if (ms > patienceMs) throw new Error(`no first token for ${name}`, { cause: problem });
    await pause(repeatMs);
  }
}

async function addBindings({ stage, clientIds }: Federated, rounds: number): Promise<void> {
  for (const [index, clientID] of clientIds.entries())
    await bind(stage, labelOf('federated', index), { type: 3, tenantID: names.tenant, clientID });
  const { id, clientId } = names.firstIdentity;
  await bind(stage, 'attached', { type: 0, resourceID: id, clientID: clientId });
  for (let round = 0; round < rounds; round += 1) {
    const label = labelOf('toAttach', round);
    const resourceId = names.identityId(label);
    const added = stage.sim.azure.world.addIdentity({ resourceId, tenantId: names.tenant });
    await bind(stage, label, { type: 0, resourceID: resourceId, clientID: added.clientId });
  }
}

async function bind(stage: Stage, name: string, spec: object): Promise<void> {
  const apiVersion = 'aadpodidentity.k8s.io/v1';
  const metadata = { name, namespace: 'default' };
  await stage.create({ apiVersion, kind: 'AzureIdentity', metadata, spec });
  const binding = { azureIdentity: name, selector: name };
  await stage.create({ apiVersion, kind: 'AzureIdentityBinding', metadata, spec: binding });
}

/** MIC and NMI have ended: they would use the same core. */
async function brokerLoads({ stage, broker, clientIds }: Federated, sizes: NmiSizes, say: Say) {
  const nodes = Array.from({ length: sizes.brokerCallers }, (_, node) => node);
  const callers = await Promise.all(nodes.map((node) => addCaller(stage, node)));
  const load = { broker, callers, requests: sizes.brokerRequests };
  const known = () => ({ clientId: at(clientIds, 0), resource: 'https://vault.azure.net' });
  // What a quiet broker has saved up is used before anything is measured.
  await runBrokerLoad({ ...load, requests: sizes.brokerWarmUp, wantedOf: known });
  const fromMemory = await runBrokerLoad({ ...load, wantedOf: known });
  const wantedOf = (node: number, index: number) => ({
    clientId: at(clientIds, index % identities),
    resource: `https://${node}-${index}.local.test`,
  });
  const exchanged = await runBrokerLoad({ ...load, wantedOf });
  const shown = ({ perSecond, cpuUs, refusals }: BrokerRun) =>
    `${Math.round(perSecond)} a second, processor time ${Math.round(cpuUs)} us, ${refusals} refusals`;
  say(`tokens of the broker: ${shown(fromMemory)} of its memory, ${shown(exchanged)} with an exchange`);
  return { fromMemory, exchanged };
}

function firstTokenFigures(rounds: readonly FirstTokens[]): Figure[] {
  const over = (name: string, of: (round: FirstTokens) => number, what: string) =>
    ofRounds(name, rounds.map(of), what);
  return [
    over(
      'firstTokenAttachedMs',
      ({ attached }) => attached,
      'from the creation of a pod to its first token by type 0, whose identity the machine has (ms)',
    ),
    over(
      'firstTokenToAttachMs',
      ({ toAttach }) => toAttach,
      'the same with an identity that MIC attaches for it; ARM answers at once, so what ARM takes comes on top (ms)',
    ),
    over('firstTokenType3Ms', ({ federated }) => federated, 'the same by type 3; Entra answers at once (ms)'),
    over(
      'firstTokenType3OverAttached',
      ({ attached, federated }) => federated / attached,
      'type 3 over type 0 attached, of pods right after each other',
    ),
    over(
      'firstTokenType3OverToAttach',
      ({ toAttach, federated }) => federated / toAttach,
      'type 3 over type 0 to be attached',
    ),
  ];
}

function brokerFigures({ fromMemory, exchanged, memory }: BrokerFigures, sizes: NmiSizes): Figure[] {
  const tokens = (sizes.brokerRequests * sizes.brokerCallers).toLocaleString('en');
  const nodes = `one replica, ${sizes.brokerCallers} nodes`;
  return [
    single(
      'brokerTokensPerSecond',
      fromMemory.perSecond,
      `tokens a second of the broker's memory, ${nodes} (its limit is 200)`,
    ),
    single(
      'brokerExchangesPerSecond',
      exchanged.perSecond,
      'the same with an exchange for each; the pod is read before and after it, so the limit is 100',
    ),
    single('brokerTokenCpuUs', fromMemory.cpuUs, 'processor time of the broker for one of its memory (us)'),
    single('brokerExchangeCpuUs', exchanged.cpuUs, 'for one with an exchange (us)'),
    single('brokerRssAnonMiB', memory.started, "the broker's anonymous memory after its start (MiB)"),
    single(
      'brokerRssAnonLoadedMiB',
      memory.loaded,
      `after all of it, ${tokens} different tokens among them (limit of the container: 256 with files)`,
    ),
  ];
}
