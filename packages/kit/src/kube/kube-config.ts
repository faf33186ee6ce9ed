// The only import of @kubernetes/client-node, loaded only to read a kubeconfig: it takes 20 MiB of memory.
// Importing the one class by name lets bundlers drop the other 12 MB.
import { existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { Credentials } from './credentials.ts';
import { KubeError } from './errors.ts';
import type { Access } from './http-transport.ts';
import type { TlsSettings } from './connection-pools.ts';
import { proxyFor, readProxy, type ProxyEnv } from './proxy.ts';

export interface KubeConfigChoice {
  /** Default: the list in KUBECONFIG, else ~/.kube/config. */
  readonly file?: string | undefined;
  /** Names in the kubeconfig, instead of those of its current context. */
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  /** The environment of a program that uses proxies, as kubectl does. Undefined: a proxy in a kubeconfig is refused. */
  readonly proxyEnv?: ProxyEnv | undefined;
}

export interface UserCredentials extends Credentials {
  /** Of the context. */
  readonly namespace: string | undefined;
}

export function readKubeConfig(choice: KubeConfigChoice): UserCredentials {
  let config = loadConfig(choice);
  const { server, proxy } = serverOf(config, choice);
  return {
    server,
    proxy,
    namespace: config.getContextObject(config.currentContext)?.namespace,
    read(why) {
      // client-node caches the output of a credential plugin until its expiry; it is read again only after a refusal.
      if (why === 'refused' || (why === 'aged' && !hasPlugin(config))) config = loadConfig(choice);
      return readAccess(config);
    },
  };
}

function loadConfig(choice: KubeConfigChoice): KubeConfig {
  const config = chosen(merged(filesOf(choice.file).map(loadFile)), choice);
  for (const user of config.users) if (user.exec) preparePlugin(user.exec as ExecPlugin, config);
  return config;
}

/** Files that the list in KUBECONFIG names may be missing, as for kubectl. */
function filesOf(file: string | undefined): readonly string[] {
  if (file !== undefined) return [file];
  const listed = process.env['KUBECONFIG']?.split(delimiter).filter((path) => path !== '') ?? [];
  const wanted = listed.length > 0 ? listed : [join(homedir(), '.kube', 'config')];
  const files = wanted.filter((path) => existsSync(path));
  if (files.length === 0) throw new KubeError('invalid', `there is no kubeconfig at ${wanted.join(', ')}`);
  return files;
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (cause) {
    throw new KubeError('invalid', `cannot read the kubeconfig ${file}: ${whyUnread(cause)}`);
  }
  // client-node accepts plain HTTP only if TLS verification is off.
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  return config;
}

/** The message of a YAML parser quotes the lines around the mistake, which may have a token. */
function whyUnread(cause: unknown): string {
  if (!(cause instanceof Error && 'mark' in cause)) return String(cause);
  const { reason, mark } = cause as { readonly reason?: string; readonly mark?: { readonly line: number } };
  return `${reason ?? 'no YAML'}, line ${(mark?.line ?? 0) + 1}`;
}

/** As kubectl merges them: the first file that has a name counts. client-node's own function refuses names that two files have. */
function merged(configs: readonly KubeConfig[]): KubeConfig {
  const [first = new KubeConfig(), ...more] = configs;
  for (const { clusters, users, contexts, currentContext } of more) {
    first.clusters.push(...clusters.filter(({ name }) => !first.getCluster(name)));
    first.users.push(...users.filter(({ name }) => !first.getUser(name)));
    first.contexts.push(...contexts.filter(({ name }) => !first.getContextObject(name)));
    if (!first.currentContext) first.currentContext = currentContext;
  }
  return first;
}

function chosen(config: KubeConfig, { context, cluster, user }: KubeConfigChoice): KubeConfig {
  if (context !== undefined) config.currentContext = context;
  const current = config.getContextObject(config.currentContext);
  insistOn('context', context, config.contexts);
  insistOn('cluster', cluster, config.clusters);
  insistOn('user', user, config.users);
  if (cluster === undefined && user === undefined) return config;
  const name = config.currentContext || 'chosen';
  const replaced = {
    ...(current ?? { name, cluster: '', user: '' }),
    ...(cluster && { cluster }),
    ...(user && { user }),
  };
  config.contexts = [replaced, ...config.contexts.filter((other) => other.name !== name)];
  config.currentContext = name;
  return config;
}

function insistOn(what: string, name: string | undefined, known: readonly { readonly name: string }[]): void {
  if (name === undefined || known.some((each) => each.name === name)) return;
  const names = known.map((each) => each.name).join(', ');
  throw new KubeError('invalid', `the kubeconfig has no ${what} ${name}; there are: ${names || 'none'}`);
}

function serverOf(config: KubeConfig, { proxyEnv }: KubeConfigChoice) {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new KubeError('invalid', 'the kubeconfig has no current cluster: set current-context');
  const { server, proxyUrl } = cluster;
  if (proxyEnv === undefined && proxyUrl)
    throw new KubeError('invalid', 'proxy-url in a kubeconfig is not supported: remove it');
  if (proxyEnv === undefined) return { server, proxy: undefined };
  const proxy = proxyUrl ? readProxy('proxy-url of the kubeconfig', proxyUrl) : proxyFor(server, proxyEnv);
  return { server, proxy };
}

function hasPlugin(config: KubeConfig): boolean {
  return Boolean(config.getCurrentUser()?.exec);
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
interface ExecPlugin {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly interactiveMode?: string;
  readonly provideClusterInfo?: boolean;
  env?: { readonly name: string; readonly value: string }[] | null;
}

/** What kubectl tells a credential plugin in its environment. client-node does not, and gives it no terminal. */
function preparePlugin(exec: ExecPlugin, config: KubeConfig): void {
  const cluster = config.getCurrentCluster();
  const about = exec.provideClusterInfo === true &&
    cluster && {
      server: cluster.server,
      'tls-server-name': cluster.tlsServerName,
      'insecure-skip-tls-verify': cluster.skipTLSVerify,
      'certificate-authority-data': cluster.caData,
      'proxy-url': cluster.proxyUrl,
    };
  const spec = { interactive: false, ...(about && { cluster: about }) };
  const value = JSON.stringify({ apiVersion: exec.apiVersion, kind: 'ExecCredential', spec });
  exec.env = [...(exec.env ?? []), { name: 'KUBERNETES_EXEC_INFO', value }];
}

async function readAccess(config: KubeConfig): Promise<Access> {
  const plugin = config.getCurrentUser()?.exec as ExecPlugin | undefined;
  if (plugin?.interactiveMode === 'Always')
    throw new Error(
      `the credential plugin ${plugin.command ?? ''} of the kubeconfig needs a terminal (interactiveMode: Always): use one that can do without`,
    );
  const settings: RequestOptions & { headers: Record<string, string> } = { headers: {} };
  await config.applyToHTTPSOptions(settings);
  const headers = Object.fromEntries(
    Object.entries(settings.headers).map(([name, value]) => [name.toLowerCase(), value.trim()]),
  );
  if (settings.auth) headers['authorization'] = `Basic ${Buffer.from(settings.auth).toString('base64')}`;
  return { headers, tls: tlsOf(settings) };
}

function tlsOf({ ca, cert, key, passphrase, rejectUnauthorized, servername }: RequestOptions): TlsSettings {
  const settings = Object.entries({ ca, cert, key, passphrase, rejectUnauthorized, servername });
  return Object.fromEntries(settings.filter(([, value]) => value !== undefined));
}
