import { info, problem, shellWord, waiting } from '@pod-identity/policy';
import type { Installed, Services } from '../cluster/services.ts';
import { versionOf } from '../cluster/workload.ts';
import { found, type Checked, type DoctorWorld, type Found } from './world.ts';

type Any = Installed<object>;

/** NMI, and outside managed mode MIC, are installed, of one version, rolled out, and agree on who may use what. */
export function checkServices({ services }: DoctorWorld): Checked {
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
function imitated({ imitations }: Services): Found[] {
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

export const keyOf = ({ kind, namespace, name }: Pick<Any, 'kind' | 'namespace' | 'name'>): string =>
  `${kind}/${namespace}/${name}`;

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

function absent({ nmi, mic, unknown }: Services): Found[] {
  if (unknown.length > 0) return [];
  const remedy = {
    text: 'install it: docs/administrator/quickstart.md has the commands',
    command: 'kubectl apply -k deploy/overlays/standard',
  };
  if (nmi.length === 0)
    return [
      found('DaemonSet', problem('agent', 'no DaemonSet of NMI was found: no pod gets a token', remedy)),
    ];
  const isManaged = nmi.some(({ config }) => 'mode' in config && config.mode === 'managed');
  if (mic.some(isRunning) || isManaged) return [];
  return [found('Deployment', problem('agent', 'no MIC runs: no identity is attached to a machine', remedy))];
}

function refusedFlags(service: Any): Found[] {
  const { config, isOriginal, namespace, name, kind } = service;
  if (isOriginal || !('problems' in config)) return [];
  const text = `${kind} ${namespace}/${name} does not start: ${config.problems.join('; ')}`;
  const command = `kubectl edit ${kind.toLowerCase()} ${name} --namespace ${namespace}`;
  return [found(keyOf(service), problem('agent', text, { text: 'correct its arguments', command }))];
}

function rollouts(all: readonly Any[]): Found[] {
  return all.filter(isRunning).flatMap((service) => {
    const { kind, namespace, name, replicas, isOriginal } = service;
    if (isOriginal || replicas.ready >= replicas.wanted) return [];
    const text = `${kind} ${namespace}/${name}: ${replicas.ready} of ${replicas.wanted} pods are ready`;
    const command = `kubectl rollout status ${kind.toLowerCase()}/${name} --namespace ${namespace} --timeout 2m`;
    return [
      found(
        keyOf(service),
        waiting('agent', text, { text: 'wait, and look at its pods if it stays', command }),
      ),
    ];
  });
}

function versions(all: readonly Any[]): Found[] {
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
function disagreements({ nmi, mic }: Services): Found[] {
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
            keyOf(controller),
            problem('agent', text, { text: 'give MIC the value of NMI, or NMI that of MIC', command }),
          );
        });
    }),
  );
}
