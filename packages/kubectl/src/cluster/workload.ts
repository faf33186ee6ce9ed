// Which DaemonSets and Deployments are MIC, NMI or the broker, and how their container is started.
import { memberOf, stringAt } from '../../../mic/src/commands/plug-in.ts';

export type Role = 'nmi' | 'mic' | 'broker';

export interface Workload {
  readonly role: Role;
  readonly kind: 'DaemonSet' | 'Deployment';
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  /** The ServiceAccount of its pods; empty: the default one. */
  readonly account: string;
  readonly isOriginal: boolean;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly replicas: { readonly wanted: number; readonly ready: number };
  readonly object: unknown;
}

/** Undefined for all others, also for the canary and for the DaemonSet that removes NMI's rules. */
export function readWorkload(kind: Workload['kind'], object: unknown): Workload | undefined {
  const metadata = memberOf(object, 'metadata');
  const [namespace, name] = [stringAt(metadata, 'namespace'), stringAt(metadata, 'name')];
  const template = memberOf(memberOf(memberOf(object, 'spec'), 'template'), 'spec');
  for (const container of arrayAt(template, 'containers')) {
    const program = programOf(container);
    if (program === undefined) continue;
    const { env, expanded } = variablesOf(container, namespace);
    const argv = argumentsOf(container).map((word) => expanded(word));
    const role = roleOf(program, kind, argv);
    if (role === undefined) continue;
    const image = stringAt(container, 'image');
    const account = stringAt(template, 'serviceAccountName');
    const isOriginal = isOfOriginal(image, account);
    return {
      role,
      kind,
      namespace,
      name,
      image,
      account,
      isOriginal,
      argv,
      env,
      replicas: replicasOf(kind, object),
      object,
    };
  }
  return undefined;
}

/** A path or a name, and no flag whose value ends so, such as `--broker-agent=aad-pod-identity/nmi`. */
const programWord = /^(?:[^-].*\/|\/)?(nmi|mic)(?:\.js)?$/;

/** By the program that the container names, else by the last part of its image's name. */
function programOf(container: unknown): 'nmi' | 'mic' | undefined {
  const [command = ''] = [...wordsAt(container, 'command'), ...wordsAt(container, 'args')].flatMap(
    (word) => programWord.exec(word)?.[1] ?? [],
  );
  const name =
    command || (/(?:^|[/_.-])(nmi|mic)$/.exec(repositoryOf(stringAt(container, 'image')))?.[1] ?? '');
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
  const words = [...wordsAt(container, 'command'), ...wordsAt(container, 'args')];
  const program = words.findIndex((word) => programWord.test(word));
  return program === -1 ? wordsAt(container, 'args') : words.slice(program + 1);
}

interface Variables {
  readonly env: Workload['env'];
  /** As the kubelet replaces references in a text; unknown ones stay. */
  readonly expanded: (text: string) => string;
}

/** One is scanned once: an editor can write any number of beginnings. */
const reference = /\$\(([^$()]{1,256})\)/g;
/** Characters that references may add in all: an editor can have each variable repeat the one before. */
const mostAdded = 256 * 1024;

/** As far as it is in the object: what a Secret or a ConfigMap holds is not read. */
function variablesOf(container: unknown, namespace: string): Variables {
  const env: Record<string, string> = {};
  let left = mostAdded;
  const valueOf = (written: string, name: string) => {
    const value = Object.hasOwn(env, name) ? (env[name] ?? '') : written;
    if (value.length > left) return written;
    left -= value.length;
    return value;
  };
  const expanded = (text: string) => text.replaceAll(reference, valueOf);
  for (const variable of arrayAt(container, 'env')) {
    const name = stringAt(variable, 'name');
    const path = stringAt(memberOf(memberOf(variable, 'valueFrom'), 'fieldRef'), 'fieldPath');
    const value = memberOf(variable, 'value');
    if (path === 'metadata.namespace') env[name] = namespace;
    // Known in the pod alone.
    else if (path !== '') env[name] = `(${path})`;
    else if (typeof value === 'string') env[name] = expanded(value);
  }
  return { env, expanded };
}

function replicasOf(kind: Workload['kind'], object: unknown): Workload['replicas'] {
  const [spec, status] = [memberOf(object, 'spec'), memberOf(object, 'status')];
  return kind === 'DaemonSet'
    ? { wanted: numberAt(status, 'desiredNumberScheduled'), ready: numberAt(status, 'numberReady') }
    : { wanted: numberAt(spec, 'replicas', 1), ready: numberAt(status, 'readyReplicas') };
}

function numberAt(value: unknown, key: string, absent = 0): number {
  const member = memberOf(value, key);
  return typeof member === 'number' ? member : absent;
}

export function arrayAt(value: unknown, key: string): readonly unknown[] {
  const member = memberOf(value, key);
  return Array.isArray(member) ? (member as unknown[]) : [];
}

function wordsAt(container: unknown, key: string): readonly string[] {
  return arrayAt(container, key).filter((word) => typeof word === 'string');
}
