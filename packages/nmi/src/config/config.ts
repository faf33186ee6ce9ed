// Room: the configuration of NMI: flags and environment, read once into one frozen value, or all problems at once.
// It must not read `process`, or use a value of the configuration.
import { logOf, readFlags, type FlagReading, type LogSettings } from '@pod-identity/kit/core';
import { federatedTarget } from '@pod-identity/crd-types';
import type { MetadataPart } from '../request/instance-metadata.ts';
import { readResource } from '../request/resource.ts';
import { nmiFlags, type NmiFlagValues } from './flags.ts';

export type NmiCommand =
  | { readonly kind: 'run' | 'install-redirect' | 'uninstall-redirect' | 'check-ready' | 'broker' }
  | ({ readonly kind: 'check-federated' } & FederatedCheck);

/** Of `check-federated`: ids in lower case. */
export interface FederatedCheck {
  readonly tenant: string;
  readonly clientId: string;
  readonly resource: string;
}

/** Host '': all addresses. */
export type ListenAt = NmiFlagValues['probe'];

type AsGiven = Omit<NmiFlagValues, 'words' | 'metadataAllowed' | 'log'>;

export interface NmiConfig extends AsGiven {
  readonly command: NmiCommand;
  readonly metadataAllowed: ReadonlySet<MetadataPart>;
  readonly log: LogSettings;
  /** Whether federated identities can be used. */
  readonly hasBroker: boolean;
}

export type ConfigReading =
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }
  | { readonly kind: 'config'; readonly config: NmiConfig; readonly warnings: readonly string[] };

export interface ConfigSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Reading = FlagReading<NmiFlagValues>;

/** The configuration, or all its problems at once. */
export function readConfig(from: ConfigSource): ConfigReading {
  const reading = readFlags(nmiFlags, from);
  const { help, version } = reading.values.words;
  if (help || version) return { kind: help ? 'help' : 'version' };
  const command = commandOf(reading);
  const problems = [...reading.problems.map(({ message }) => message), ...relations(reading, command)];
  if (problems.length > 0 || typeof command === 'string') return { kind: 'problems', problems };
  const log = logOf(reading.values.log, reading.given);
  const isBeside = command.kind === 'check-federated';
  return {
    kind: 'config',
    config: Object.freeze({ command, ...settingsOf(reading, command), log }),
    warnings: [...warningsOf(reading), ...(isBeside ? [withoutService] : [])],
  };
}

const withoutService = 'the flags of the service are not read: those given here and the defaults count';

/** Problems of flags in relation to each other. */
function relations({ values, given }: Reading, command: NmiCommand | string): string[] {
  const problems: string[] = [];
  if (typeof command === 'string') problems.push(command);
  else if (needsNode.has(command.kind) && values.node === '')
    problems.push('--node is missing: give the name of the Kubernetes node that this runs on');
  if (values.mode === 'managed' && !values.forceNamespaced)
    problems.push(
      '--operation-mode managed needs --forceNamespaced: identities are then the business of each namespace',
    );
  problems.push(...brokerProblems(values, command));
  if (given.has('master') && given.has('kubeconfig'))
    problems.push('--master and --kubeconfig (or KUBECONFIG) both name an API server: give one of them');
  return problems;
}

function brokerProblems(
  { broker, brokerService: { pod, agent, loginHost } }: NmiFlagValues,
  command: NmiCommand | string,
): string[] {
  if (typeof command === 'string') return [];
  const { kind } = command;
  const isUnsafe = !/^(https:|$)/.test(loginHost);
  const unsafe = isUnsafe ? ['--broker-login-host must be a URL with https'] : [];
  if (kind === 'check-federated') return unsafe;
  if (kind !== 'broker')
    return broker.namespace !== '' && broker.tokenFile === ''
      ? ['--broker needs --broker-token-file: the broker gives tokens only to NMI']
      : [];
  const missing = Object.entries(pod).filter(([, text]) => text === '');
  const variables = 'the variables POD_NAME, POD_UID, POD_IP and POD_NAMESPACE';
  return [
    ...missing.map(([name]) => `nmi broker needs the ${name} of its pod, from ${variables}`),
    ...unsafe,
    ...(agent.name === '' ? ['--broker-agent is empty: name the ServiceAccount of NMI'] : []),
  ];
}

const needsNode: ReadonlySet<NmiCommand['kind']> = new Set(['run']);
const commands = [
  'run',
  'install-redirect',
  'uninstall-redirect',
  'check-ready',
  'broker',
  'check-federated',
] as const;

/** The command, or what is wrong with it. */
function commandOf({ positional, values }: Reading): NmiCommand | string {
  const [word = 'run', ...more] = positional;
  const kind = commands.find((command) => command === word);
  if (kind === 'check-federated') return checkOf(more, values);
  if (kind === undefined || more.length > 0)
    return `${positional.join(' ')} is not understood; the commands are ${commands.join(', ')}`;
  return { kind };
}

function checkOf(
  [identity = '', given, ...more]: readonly string[],
  { brokerService: { cloud } }: NmiFlagValues,
): NmiCommand | string {
  const [tenant = '', clientId = '', ...rest] = identity.toLowerCase().split('/');
  const resource = readResource(given ?? cloud.resource);
  if (!federatedTarget(tenant, clientId).ok || !resource.ok || rest.length + more.length > 0)
    return 'check-federated needs an identity, by two GUIDs, and may have a resource: nmi check-federated TENANT/CLIENT-ID [RESOURCE]';
  return { kind: 'check-federated', tenant, clientId, resource: resource.value };
}

/** What depends on the command or on several flags. */
function settingsOf({ values, given }: Reading, { kind }: NmiCommand): Omit<NmiConfig, 'command' | 'log'> {
  const { probe, blocksInstance } = values;
  // The kubelet probes these at the address of their pod.
  const isAtPod = kind === 'broker' && !given.has('http-probe-address');
  const metadataAllowed = values.metadataAllowed.filter((part) => part !== 'instance' || !blocksInstance);
  return {
    ...values,
    probe: isAtPod ? { ...probe, host: '' } : probe,
    metadataAllowed: new Set(metadataAllowed),
    hasBroker: values.broker.namespace !== '',
  };
}

/** Warnings about flags and variables without effect, and about settings that cause failures of clients. */
function warningsOf({ values, ignored }: Reading): string[] {
  return [
    ...ignored.map(({ flag, why }) => `--${flag}: no effect any more, ${why}`),
    ...(values.interception === 'none' ? [notIntercepted] : []),
  ];
}

const notIntercepted =
  '--interception=none: nothing leads calls of pods here. Programs that ignore AZURE_POD_IDENTITY_AUTHORITY_HOST (azidentity, adal, ' +
  'msrestazure, ms-rest-azure, ms-rest-nodeauth, google-auth-library and others) ask the metadata service of the machine itself, which gives ' +
  'them tokens of any of its identities: keep pods from it by other means, and see what nmi check-ready says in a pod (docs/administrator/operations.md)';
