// Room: the configuration of NMI: flags and environment, read once into one frozen value, or all problems at once.
// It must not read `process`, or use a value of the configuration.
import {
  afterService,
  klogFlagsGiven,
  klogNote,
  readFlags,
  serviceFault,
  type FlagReading,
} from '@pod-identity/kit/core';
import type { ControllerPods, OperationMode } from '../authorize/types.ts';
import { flags, flagSpecs } from './flags.ts';
import { compatOf, compatWarnings } from './flags/compat.ts';
import { accessOf, type AccessConfig } from './flags/access.ts';
import { tracingConfigOf, type TracingConfig } from './flags/tracing.ts';
import type { CompatSettings } from '../respond/compat.ts';
import { interceptionWarnings } from './flags/redirect.ts';
import { controllerOf, controllerProblems, controllerWarnings } from './flags/controller.ts';
import { machineData, type MetadataPart } from '../request/instance-metadata.ts';
import { metadataFamilies } from '../request/routes.ts';

export type NmiCommand =
  | { readonly kind: 'run' | 'install-redirect' | 'uninstall-redirect' | 'check-ready' | 'canary' }
  | { readonly kind: 'explain'; readonly pod: string };

/** Host '': all addresses. */
export interface ListenAt {
  readonly host: string;
  readonly port: number;
}

export interface NmiConfig extends AccessConfig, TracingConfig {
  readonly command: NmiCommand;
  readonly node: string;
  readonly kubeconfig: string | undefined;
  /** URL of the API server; undefined: from the kubeconfig or the environment of the pod. */
  readonly master: string | undefined;
  readonly serviceAccountDir: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly metadata: { readonly host: string; readonly port: number };
  readonly mode: OperationMode;
  readonly forceNamespaced: boolean;
  readonly byNodeLabel: boolean;
  readonly namespaceShareBytes: number;
  /** Undefined: no pod is exempt as MIC. */
  readonly controller: ControllerPods | undefined;
  readonly metadataHeaderRequired: boolean;
  readonly metadataAllowed: ReadonlySet<MetadataPart>;
  readonly hostToken: boolean;
  readonly holdMs: number;
  readonly bindingGraceMs: number;
  readonly callerHoldMs: number;
  readonly notAssignedStatus: 503 | 404;
  readonly allowedHosts: ReadonlySet<string>;
  readonly compatErrors: CompatSettings['compatErrors'];
  /** `error` of a failure is only the code of the metadata service. */
  readonly exactErrors: boolean;
  /** With compatErrors: 503 with Retry-After instead of 404 for an identity that is not assigned yet. */
  readonly setsRetryAfter: boolean;
  readonly podCheck: {
    readonly mode: 'live' | 'strict' | 'off';
    readonly ageMs: number;
    readonly outageMs: number;
  };
  /** 0: no limit. */
  readonly podRequestsPerSecond: number;
  readonly podWaiting: number;
  /** In lower case. */
  readonly authorities: ReadonlySet<string>;
  readonly interception: 'redirect' | 'bind-address' | 'none';
  readonly firewall: {
    readonly by: 'auto' | 'nftables' | 'iptables';
    readonly everyMs: number;
    readonly cutsOldConnections: boolean;
  };
  /** install-redirect: also write the rules to the host, below `hostEtc`, its mounted /etc. */
  readonly persist: boolean;
  readonly hostEtc: string;
  /** Key; undefined: none is removed. */
  readonly startupTaint: string | undefined;
  readonly audit: boolean;
  readonly events: boolean;
  readonly probe: ListenAt;
  /** Empty: no exec probe reads one. */
  readonly probeFile: string;
  readonly metrics: ListenAt;
  readonly log: { readonly format: 'text' | 'json'; readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

export type ConfigReading =
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }
  | { readonly kind: 'config'; readonly config: NmiConfig; readonly warnings: readonly string[] };

export interface ConfigSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The arguments of the NMI that runs in this container, if any. */
  readonly service?: readonly string[] | undefined;
}

/** The configuration, or all its problems at once. `explain` has the flags of the service, but for its log. */
export function readConfig({ argv, env, service }: ConfigSource): ConfigReading {
  const own = readFlags(flagSpecs, { argv, env });
  const isExplain = own.positional[0] === 'explain';
  const reading = isExplain
    ? readFlags(flagSpecs, { argv: afterService(flagSpecs, argv, service), env })
    : own;
  if (reading.given.has('help') && reading.boolean('help')) return { kind: 'help' };
  if (reading.given.has('version') && reading.boolean('version')) return { kind: 'version' };
  const problems = [...reading.problems.map(({ message }) => message), ...relations(reading)];
  if (problems.length > 0) return { kind: 'problems', problems };
  const fault = isExplain ? serviceFault(flagSpecs, service) : undefined;
  return {
    kind: 'config',
    config: Object.freeze({ ...configOf(reading), log: logOf(own) }),
    warnings: [...warningsOf(own), ...(fault === undefined ? [] : [fault])],
  };
}

/** Problems of flags in relation to each other. */
function relations(reading: FlagReading): string[] {
  const problems: string[] = [];
  const command = commandOf(reading);
  if (typeof command === 'string') problems.push(command);
  else if (needsNode.has(command.kind) && reading.string('node') === '')
    problems.push('--node is missing: give the name of the Kubernetes node that this runs on');
  if (reading.string('operation-mode') === 'managed' && !reading.boolean('forceNamespaced'))
    problems.push(
      '--operation-mode managed needs --forceNamespaced: identities are then the business of each namespace',
    );
  problems.push(...controllerProblems(reading));
  if (reading.given.has('master') && reading.given.has('kubeconfig'))
    problems.push('--master and --kubeconfig (or KUBECONFIG) both name an API server: give one of them');
  const unknown = reading.list('metadata-allow').filter((part) => !isPart(part));
  if (unknown.length > 0)
    problems.push(`--metadata-allow knows ${metadataParts.join(', ')}, but not ${unknown.join(', ')}`);
  return problems;
}

const needsNode: ReadonlySet<NmiCommand['kind']> = new Set(['run', 'canary']);
const commands = [
  'run',
  'install-redirect',
  'uninstall-redirect',
  'check-ready',
  'explain',
  'canary',
] as const;

/** The command, or what is wrong with it. */
function commandOf(reading: FlagReading): NmiCommand | string {
  const [word = 'run', ...more] = reading.positional;
  const kind = commands.find((command) => command === word);
  if (kind === 'explain' && more.length < 2) return explainOf(more[0] ?? reading.string('pod'));
  if (kind === undefined || kind === 'explain' || more.length > 0)
    return `${reading.positional.join(' ')} is not understood; the commands are ${commands.join(', ')}`;
  return { kind };
}

function explainOf(pod: string): NmiCommand | string {
  return /^[^/]+\/[^/]+$/.test(pod)
    ? { kind: 'explain', pod }
    : 'explain needs a pod, as NAMESPACE/POD: nmi explain NAMESPACE/POD';
}

function configOf(reading: FlagReading): Omit<NmiConfig, 'log'> {
  const read = commandOf(reading);
  const command: NmiCommand = typeof read === 'string' ? { kind: 'run' } : read;
  return {
    command,
    node: reading.string('node'),
    kubeconfig: reading.optionalString('kubeconfig'),
    master: reading.optionalString('master'),
    serviceAccountDir: reading.string('service-account-dir'),
    listen: { host: reading.string('nmi-listen-address'), port: reading.integer('nmi-port') },
    metadata: { host: reading.string('metadata-ip'), port: reading.integer('metadata-port') },
    mode: reading.string('operation-mode').toLowerCase() === 'managed' ? 'managed' : 'standard',
    forceNamespaced: reading.boolean('forceNamespaced'),
    byNodeLabel: reading.boolean('enableScaleFeatures'),
    namespaceShareBytes: reading.integer('namespace-share') * 1024,
    controller: controllerOf(reading),
    metadataHeaderRequired: reading.boolean('metadata-header-required'),
    metadataAllowed: allowedParts(reading),
    hostToken: reading.boolean('enable-host-token'),
    holdMs: reading.durationMs('hold'),
    bindingGraceMs: reading.durationMs('binding-grace'),
    callerHoldMs: reading.durationMs('caller-hold'),
    notAssignedStatus: reading.string('not-assigned-status') === '404' ? 404 : 503,
    ...callersOf(reading),
    ...accessOf(reading),
    ...interceptionOf(reading),
    audit: reading.boolean('audit'),
    events: reading.boolean('events'),
    authorities: lowerSet(reading.list('authority-allow')),
    probe: { host: probeHost(reading, command), port: reading.integer('http-probe-port') },
    probeFile: reading.string('probe-file'),
    metrics: { host: reading.string('prometheus-address'), port: reading.integer('prometheus-port') },
    ...tracingConfigOf(reading),
  };
}

/** The kubelet probes a canary at the address of its pod. */
function probeHost(reading: FlagReading, { kind }: NmiCommand): string {
  return kind === 'canary' && !reading.given.has('http-probe-address')
    ? ''
    : reading.string('http-probe-address');
}

function logOf(reading: FlagReading): NmiConfig['log'] {
  return { format: reading.string('log-format') === 'json' ? 'json' : 'text', level: levelOf(reading) };
}

function callersOf(reading: FlagReading) {
  return {
    allowedHosts: lowerSet(reading.list('allow-host')),
    compatErrors: compatOf(reading),
    exactErrors: reading.boolean('exact-errors'),
    setsRetryAfter: reading.boolean('set-retry-after-header'),
    podCheck: {
      mode: choice(reading.string('pod-check'), ['live', 'strict', 'off'] as const),
      ageMs: reading.durationMs('pod-check-age'),
      outageMs: reading.durationMs('pod-check-outage'),
    },
    podRequestsPerSecond: reading.integer('pod-requests-per-second'),
    podWaiting: reading.integer('pod-waiting'),
  };
}

function interceptionOf(reading: FlagReading) {
  const taint = reading.string('startup-taint');
  return {
    interception: choice(reading.string('interception'), ['redirect', 'bind-address', 'none'] as const),
    firewall: {
      by: choice(reading.string('firewall'), ['auto', 'nftables', 'iptables'] as const),
      everyMs: reading.integer('ipt-update-interval-sec') * 1000,
      cutsOldConnections: reading.boolean('enable-conntrack-deletion'),
    },
    persist: reading.boolean('persist'),
    hostEtc: reading.string('host-etc'),
    startupTaint: taint === '' ? undefined : taint,
  };
}

/** The choices of the flag are checked already. */
function choice<const T extends string>(text: string, [first, ...others]: readonly [T, ...T[]]): T {
  return others.find((other) => other === text) ?? first;
}

function lowerSet(texts: readonly string[]): ReadonlySet<string> {
  return new Set(texts.map((text) => text.toLowerCase()));
}

function allowedParts(reading: FlagReading): ReadonlySet<MetadataPart> {
  const allowed = new Set(reading.list('metadata-allow').filter(isPart));
  if (reading.boolean('block-instance-metadata')) allowed.delete('instance');
  return allowed;
}

const metadataParts: readonly MetadataPart[] = [...metadataFamilies, ...machineData];

function isPart(text: string): text is MetadataPart {
  return metadataParts.some((part) => part === text);
}

/** `-v` is a flag of the original; from 5 on it means debug. */
function levelOf(reading: FlagReading): NmiConfig['log']['level'] {
  if (reading.integer('v') >= 5) return 'debug';
  const level = reading.string('log-level');
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

function warningsOf(reading: FlagReading): string[] {
  const dropped = flags.flatMap(({ spec, fate, why }) =>
    fate === 'dropped' && why !== klogNote && reading.given.has(spec.name)
      ? [`--${spec.name} has no effect any more: ${why}`]
      : [],
  );
  const klog = klogFlagsGiven(reading);
  if (klog !== undefined) dropped.push(`--${klog}: no effect any more, ${klogNote}`);
  const here = [...controllerWarnings(reading), ...compatWarnings(reading), ...interceptionWarnings(reading)];
  return [...reading.warnings, ...dropped, ...here];
}
