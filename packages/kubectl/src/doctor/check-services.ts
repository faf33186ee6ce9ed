import { info, problem, shellWord, waiting } from '@pod-identity/policy';
import { keyOf } from '../cluster/fields.ts';
import { isManaged, type Installed, type Services } from '../cluster/services.ts';
import { versionOf } from '../cluster/workload.ts';
import { found, type CheckResult, type DoctorFacts, type ObjectFinding } from './facts.ts';

type Any = Installed<object>;

/** NMI, and outside managed mode MIC, are installed, of one version, rolled out, and agree on who may use what. */
export function checkServices({ services }: DoctorFacts): CheckResult {
  const all: readonly Any[] = [...services.nmi, ...services.mic, ...services.broker];
  return {
    findings: [
      ...absent(services),
      ...all.flatMap(refusedFlags),
      ...rollouts(all),
      ...versions(all),
      ...disagreements(services),
      ...imitated(services),
    ],
    unknown: services.unknown,
  };
}

/** Of those more are counted only. */
const mostNamed = 3;

/** A problem that any editor of a namespace can make is none of the cluster. */
function imitated({ imitations }: Services): ObjectFinding[] {
  const more = imitations.length - mostNamed;
  return imitations
    .slice(0, mostNamed)
    .map((text, at) =>
      found(
        'services',
        info('agent', at === mostNamed - 1 && more > 0 ? `${text} (and ${more} more)` : text),
      ),
    );
}

export const objectIdOf = (service: Pick<Any, 'kind' | 'namespace' | 'name'>): string =>
  `${service.kind}/${keyOf(service)}`;

/** Arguments of the first container, as in the manifests. */
export const argumentsPath = '/spec/template/spec/containers/0/args/-';

export function addCommand(
  { kind, namespace, name }: Pick<Any, 'kind' | 'namespace' | 'name'>,
  path: string,
  value: unknown,
): string {
  const patch = JSON.stringify([{ op: 'add', path, value }]);
  return `kubectl patch ${kind.toLowerCase()} ${name} --namespace ${namespace} --type json --patch ${shellWord(patch)}`;
}

export const isRunning = ({ replicas }: Any): boolean => replicas.wanted > 0;

function absent({ nmi, mic, unknown }: Services): ObjectFinding[] {
  if (unknown.length > 0) return [];
  const remedy = {
    text: 'install it: docs/administrator/quickstart.md has the commands',
    command: 'kubectl apply -k deploy/overlays/standard',
  };
  if (nmi.length === 0)
    return [
      found('DaemonSet', problem('agent', 'no DaemonSet of NMI was found: no pod gets a token', remedy)),
    ];
  if (mic.some(isRunning) || nmi.some(isManaged)) return [];
  return [found('Deployment', problem('agent', 'no MIC runs: no identity is attached to a machine', remedy))];
}

function refusedFlags(service: Any): ObjectFinding[] {
  const { config, isOriginal, namespace, name, kind } = service;
  if (isOriginal || !('problems' in config)) return [];
  const text = `${kind} ${namespace}/${name} does not start: ${config.problems.join('; ')}`;
  const command = `kubectl edit ${kind.toLowerCase()} ${name} --namespace ${namespace}`;
  return [found(objectIdOf(service), problem('agent', text, { text: 'correct its arguments', command }))];
}

function rollouts(all: readonly Any[]): ObjectFinding[] {
  return all.filter(isRunning).flatMap((service) => {
    const { kind, namespace, name, replicas, isOriginal } = service;
    if (isOriginal || replicas.ready >= replicas.wanted) return [];
    const text = `${kind} ${namespace}/${name}: ${replicas.ready} of ${replicas.wanted} pods are ready`;
    const command = `kubectl rollout status ${kind.toLowerCase()}/${name} --namespace ${namespace} --timeout 2m`;
    return [
      found(
        objectIdOf(service),
        waiting('agent', text, { text: 'wait, and look at its pods if it stays', command }),
      ),
    ];
  });
}

function versions(all: readonly Any[]): ObjectFinding[] {
  const own = all.filter((service) => isRunning(service) && !service.isOriginal);
  const by = Map.groupBy(own, ({ image }) => versionOf(image));
  if (by.size < 2) return [];
  const text = [...by].map(([version, some]) => `${some.map(({ name }) => name).join(' and ')} ${version}`);
  const remedy = { text: 'update all to one version: deploy/README.md has the commands' };
  return [
    found('versions', info('version', `the services are of different versions: ${text.join(', ')}`, remedy)),
  ];
}

/** What MIC attaches and what NMI hands out is decided by the same flags. */
function disagreements({ nmi, mic }: Services): ObjectFinding[] {
  return nmi.flatMap((agent) =>
    mic.flatMap((controller) => {
      if (agent.isOriginal || controller.isOriginal || !isRunning(controller)) return [];
      if ('problems' in agent.config || 'problems' in controller.config) return [];
      const [a, c] = [agent.config, controller.config];
      const compared = [
        { flag: '--forceNamespaced', ofNmi: String(a.forceNamespaced), ofMic: String(c.forceNamespaced) },
        { flag: '--identity-access', ofNmi: a.identityAccess, ofMic: c.access.mode },
      ];
      return compared
        .filter(({ ofNmi, ofMic }) => ofNmi !== ofMic)
        .map(({ flag, ofNmi, ofMic }) => {
          const text = `NMI has ${flag}=${ofNmi}, MIC has ${flag}=${ofMic}: pods get what is not attached, or the other way round`;
          const command = addCommand(controller, argumentsPath, `${flag}=${ofNmi}`);
          return found(
            objectIdOf(controller),
            problem('agent', text, { text: 'give MIC the value of NMI, or NMI that of MIC', command }),
          );
        });
    }),
  );
}
