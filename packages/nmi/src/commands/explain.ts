// `nmi explain`: reads the cluster once, decides like the agent, and prints the result.
import {
  coreKinds,
  createAccessReviewer,
  createResource,
  KubeError,
  listTrimmed,
  type AccessReviewer,
  type Informer,
  type KubeAmbient,
} from '@pod-identity/kit/kube';
import type { Printer } from '@pod-identity/kit/serve';
import { identitiesOf } from '../authorize/authorize.ts';
import { createClusterInformers, keepsAll } from '../authorize/cluster-view.ts';
import type { InvalidObject } from '../authorize/granting-informers.ts';
import type { NodePods } from '../authorize/node-namespaces.ts';
import type { ClusterView, GrantedIdentity } from '../authorize/types.ts';
import type { NmiConfig } from '../config/config.ts';
import { explanationLines } from '../explain/explanation-lines.ts';
import { explainPod, type Explanation } from '../explain/explain.ts';
import { parsePod, sinceBoot, unfinishedOn, type PodView } from '../identify/pod-view.ts';
import type { LackingSecrets } from '../explain/world.ts';
import { reviewAccess } from './review-access.ts';

export interface Explaining extends KubeAmbient {
  readonly config: NmiConfig;
  /** `namespace/name`. */
  readonly pod: string;
  /** Default: SubjectAccessReviews of the API server. */
  readonly reviewer?: AccessReviewer;
  /** When this machine was started, if known; used only for pods of this node. */
  readonly bootedAt?: number | undefined;
  readonly signal: AbortSignal;
}

export interface ExplainCommand extends Explaining {
  readonly printer: Printer;
}

const patienceMs = 15_000;
const exitCodes = { isGiven: 0, isNotGiven: 1, cannotSay: 2 } as const;

/** Returns the exit code: 0 if the pod would get a token, 1 if not, 2 if that could not be determined. */
export async function explainCommand(command: ExplainCommand): Promise<number> {
  const { config, pod, printer } = command;
  try {
    const explanation = await readExplanation(command);
    if (!explanation) {
      printer.line(`there is no pod ${pod}: check the namespace and the name`);
      return exitCodes.cannotSay;
    }
    if (config.log.format === 'json') printer.json(explanation);
    else for (const line of explanationLines(explanation)) printer.line(line);
    if (!explanation.isKnown) return exitCodes.cannotSay;
    return explanation.result.verdict === 'ok' ? exitCodes.isGiven : exitCodes.isNotGiven;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    printer.line(`the API server does not say what is needed (${error.code}): ${error.message}`);
    return exitCodes.cannotSay;
  }
}

/** Undefined if there is no such pod. Throws KubeError if the API server does not say what is needed. */
export async function readExplanation(command: Explaining): Promise<Explanation | undefined> {
  const { config, clock, transport, reviewer = createAccessReviewer(transport) } = command;
  const found = await findPod(command);
  if (!found) return undefined;
  const surroundings = await lookAround(command, found);
  const identities = identitiesOf(surroundings.pod, surroundings.view, config);
  return explainPod({
    ...surroundings,
    reviewed: await reviewAccess({ reviewer, ages: config.accessAges, clock }, surroundings.pod, identities),
    secrets: await lackingSecrets(command, identities),
    rules: config,
    holdMs: config.holdMs,
    bindingGraceMs: config.bindingGraceMs,
    notAssignedStatus: config.notAssignedStatus,
    now: clock.now(),
  });
}

async function findPod({ transport, pod: key, signal }: Explaining): Promise<PodView | undefined> {
  const [namespace = '', name = ''] = key.split('/');
  try {
    const pods = createResource(transport, coreKinds.pods);
    return parsePod(await pods.get({ namespace, name }, { signal: within(signal) }));
  } catch (error) {
    if (error instanceof KubeError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** Of a Secret nothing is kept but that it is there. */
async function lackingSecrets(
  { transport, signal }: Explaining,
  identities: readonly GrantedIdentity[],
): Promise<LackingSecrets> {
  const secrets = createResource(transport, coreKinds.secrets);
  const lacking = new Map<string, 'absent' | 'unread'>();
  for (const identity of identities) {
    if (identity.kind !== 'service-principal') continue;
    const { namespace, name } = identity.secret;
    try {
      await secrets.get(identity.secret, { signal: within(signal) });
    } catch (error) {
      if (!(error instanceof KubeError && (error.code === 'not-found' || error.code === 'denied')))
        throw error;
      lacking.set(`${namespace}/${name}`, error.code === 'denied' ? 'unread' : 'absent');
    }
  }
  return lacking;
}

interface Surroundings {
  readonly pod: PodView;
  readonly boot?: 'stale' | 'unknown';
  readonly neighbours: readonly PodView[];
  readonly view: ClusterView;
  readonly invalid: readonly InvalidObject[];
}

/** The pods of its node, and all objects that decisions need, read like the agent of that node. */
async function lookAround(command: Explaining, found: PodView): Promise<Surroundings> {
  const { config, bootedAt } = command;
  const isHere = config.node === found.nodeName;
  const believed = (pod: PodView) => sinceBoot(pod, isHere ? bootedAt : undefined);
  const pod = believed(found);
  const { neighbours, ...read } = await readNode(command, pod);
  const surroundings = { ...read, pod, neighbours: neighbours.map(believed) };
  if (!isHere) return { ...surroundings, boot: 'unknown' };
  return pod === found ? surroundings : { ...surroundings, boot: 'stale' };
}

/** Of the pod's namespace, whose editors may create any number; further ones are left out. */
const mostInvalid = 10;

async function readNode(command: Explaining, { nodeName: node, namespace }: PodView) {
  const { config, transport, clock, random, log } = command;
  const signal = within(command.signal);
  const neighbours = await listTrimmed(
    {
      transport,
      kind: coreKinds.pods,
      fieldSelector: unfinishedOn(node),
      pageSize: undefined,
      signal,
    },
    parsePod,
  );
  const invalid: InvalidObject[] = [];
  const { view, informers, nodeNamespaces } = createClusterInformers({
    transport,
    onInvalid: (found) => {
      // A list that starts again reads its first pages again.
      const isKnown = invalid.some(({ kind, name }) => kind === found.kind && name === found.name);
      if (found.namespace === namespace && !isKnown && invalid.length < mostInvalid) invalid.push(found);
    },
    namespaceShareBytes: config.namespaceShareBytes,
    clock,
    random,
    log,
    onlyFor: keepsAll(config) ? undefined : unchanging(neighbours),
  });
  const patience = { deadline: clock.elapsed() + patienceMs, caller: { gone: signal } };
  await readOnce(informers, signal, () => Promise.resolve(nodeNamespaces.whenRead(namespace, patience)));
  return { neighbours, view, invalid };
}

function unchanging(pods: readonly PodView[]): NodePods {
  return {
    store: { values: () => pods.values() },
    synced: Promise.resolve(),
    onChange: () => () => undefined,
  };
}

async function readOnce(
  informers: readonly Informer<unknown>[],
  signal: AbortSignal,
  whenRead: () => Promise<boolean>,
): Promise<void> {
  const once = new AbortController();
  const running = informers.map((informer) => informer.run(AbortSignal.any([signal, once.signal])));
  const isRead = await Promise.race([
    Promise.all(informers.map(({ synced }) => synced)).then(whenRead),
    Promise.all(running).then(() => false),
  ]);
  once.abort();
  await Promise.all(running);
  if (isRead) return;
  const why = 'AzureIdentities, bindings and exceptions could not all be read; the lines above say why';
  throw new KubeError('unavailable', why);
}

function within(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
}
