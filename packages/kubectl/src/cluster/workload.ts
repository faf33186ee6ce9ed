// Which DaemonSets and Deployments are MIC, NMI or the broker, and how their container is started.
import { fieldAt, listAt, nameOf, numberAt, textAt, textsAt } from './fields.ts';

export type Role = 'nmi' | 'mic' | 'broker';

export interface Workload {
  readonly role: Role;
  readonly kind: 'DaemonSet' | 'Deployment';
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** The ServiceAccount of its pods. */
  readonly account: string;
  readonly isOriginal: boolean;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly replicas: { readonly wanted: number; readonly ready: number };
  readonly object: unknown;
}

/** Undefined for all others, also for the DaemonSet that removes NMI's rules. */
export function readWorkload(kind: Workload['kind'], object: unknown): Workload | undefined {
  const { namespace, name } = nameOf(object);
  for (const container of listAt(object, 'spec.template.spec.containers')) {
    const program = programOf(container);
    if (program === undefined) continue;
    const { env, expanded } = variablesOf(container, namespace);
    const argv = argumentsOf(container).map((word) => expanded(word));
    const role = roleOf(program, kind, argv);
    if (role === undefined) continue;
    const image = textAt(container, 'image');
    const account = accountOf(object);
    const known = { role, kind, namespace, name, image, account, argv, env, object };
    return { ...known, isOriginal: isOfOriginal(image, account), replicas: replicasOf(kind, object) };
  }
  return undefined;
}

/** A path or a name, and no flag whose value ends so, such as `--broker-agent=aad-pod-identity/nmi`. */
const programWord = /^(?:[^-].*\/|\/)?(nmi|mic)(?:\.js)?$/;

/** By the program that the container names, else by the last part of its image's name. */
function programOf(container: unknown): 'nmi' | 'mic' | undefined {
  const [command = ''] = [...textsAt(container, 'command'), ...textsAt(container, 'args')].flatMap(
    (word) => programWord.exec(word)?.[1] ?? [],
  );
  const name =
    command || (/(?:^|[/_.-])(nmi|mic)$/.exec(repositoryOf(textAt(container, 'image')))?.[1] ?? '');
  return name === 'nmi' || name === 'mic' ? name : undefined;
}

function roleOf(
  program: 'nmi' | 'mic',
  kind: Workload['kind'],
  [word = '']: readonly string[],
): Role | undefined {
  if (program === 'mic') return 'mic';
  if (word === 'broker') return 'broker';
  return kind === 'DaemonSet' && (word === 'run' || word === '' || word.startsWith('-')) ? 'nmi' : undefined;
}

/** Without its tag and digest. */
function repositoryOf(image: string): string {
  const [named = ''] = image.split('@', 1);
  return named.replace(/:[^:/]*$/, '');
}

/** The tag; of an image without one, the beginning of its digest. */
export function versionOf(image: string): string {
  const [named = '', digest = ''] = image.split('@', 2);
  return /:([^:/]+)$/.exec(named)?.[1] ?? digest.replace(/^sha256:/, '').slice(0, 12);
}

/** The original's releases are v1.0 to v1.8, its accounts are named so in its manifests. */
function isOfOriginal(image: string, account: string): boolean {
  return (
    image.startsWith('mcr.microsoft.com/') ||
    /^v?1\.\d/.test(versionOf(image)) ||
    account.startsWith('aad-pod-id-')
  );
}

/** What follows the program. */
function argumentsOf(container: unknown): readonly string[] {
  const words = [...textsAt(container, 'command'), ...textsAt(container, 'args')];
  const program = words.findIndex((word) => programWord.test(word));
  return program === -1 ? textsAt(container, 'args') : words.slice(program + 1);
}

interface Variables {
  readonly env: Workload['env'];
  /** As the kubelet replaces references in a text; unknown ones stay. */
  readonly expanded: (text: string) => string;
}

/** One is scanned once: an editor can write any number of beginnings. */
const reference = /\$\(([^$()]{1,256})\)/g;
/** A longer value is not put in: an editor can have each variable repeat the one before. */
const longestValue = 256;

/** As far as it is in the object: what a Secret or a ConfigMap holds is not read. */
function variablesOf(container: unknown, namespace: string): Variables {
  const env: Record<string, string> = {};
  const valueOf = (written: string, name: string) => {
    const value = Object.hasOwn(env, name) ? (env[name] ?? '') : written;
    return value.length > longestValue ? written : value;
  };
  const expanded = (text: string) => text.replaceAll(reference, valueOf);
  for (const variable of listAt(container, 'env')) {
    const name = textAt(variable, 'name');
    const path = textAt(variable, 'valueFrom.fieldRef.fieldPath');
    const value = fieldAt(variable, 'value');
    if (path === 'metadata.namespace') env[name] = namespace;
    // Known in the pod alone.
    else if (path !== '') env[name] = `(${path})`;
    else if (typeof value === 'string') env[name] = expanded(value);
  }
  return { env, expanded };
}

/** As the API server has it of pods that name none. */
const accountOf = (workload: unknown): string =>
  textAt(workload, 'spec.template.spec.serviceAccountName') || 'default';

const replicasOf = (kind: Workload['kind'], object: unknown): Workload['replicas'] =>
  kind === 'DaemonSet'
    ? {
        wanted: numberAt(object, 'status.desiredNumberScheduled'),
        ready: numberAt(object, 'status.numberReady'),
      }
    : { wanted: numberAt(object, 'spec.replicas', 1), ready: numberAt(object, 'status.readyReplicas') };
