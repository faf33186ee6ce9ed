// Room: the configuration of MIC: flags and environment, read once into one frozen value, or all problems at once.
// It must not read `process`, or use a value of the configuration.
import type { AccessMode } from '@pod-identity/crd-types';
import {
  afterService,
  klogFlagsGiven,
  klogNote,
  readFlags,
  tracingOf,
  type FlagProblem,
  type FlagReading,
  type TracingSettings,
} from '@pod-identity/kit/core';
import { readCommand, type MicCommand, type UnknownCommand } from './command.ts';
import { micFlags } from './flags.ts';
import { originalLockProblems, readOriginalLock, type LockName } from './original-lock.ts';
import { nodeProblems, readNodes, type NodeSettings } from './startup-taint.ts';

export type { MicCommand } from './command.ts';
export { configurationTable } from './table.ts';

export type Env = Readonly<Record<string, string | undefined>>;

export interface MicConfig extends NodeSettings {
  readonly command: MicCommand;
  readonly kubeconfig?: string;
  readonly master?: string;
  readonly serviceAccountDir: string;
  readonly cloudConfigPath?: string;
  /** MIC's own namespace. */
  readonly podNamespace: string;
  readonly isNamespaceGiven: boolean;
  readonly forceNamespaced: boolean;
  readonly access: { readonly mode: AccessMode; readonly recheckMs: number };
  readonly namespaceShareBytes: number;
  readonly leader: {
    readonly identity: string;
    readonly namespace: string;
    readonly name: string;
    readonly durationMs: number;
    readonly renewMs: number;
    readonly retryMs: number;
  };
  /** Host '': all addresses. */
  readonly health: { readonly host: string; readonly port: number };
  readonly metrics: { readonly host: string; readonly port: number };
  /** Concurrent writes of assigned identities for each host. */
  readonly writesPerHost: number;
  /** Requests a second to the API server, and also the burst. */
  readonly kubeQps: number;
  /** Lower case. */
  readonly immutableClientIds: ReadonlySet<string>;
  readonly typeUpgrade: { readonly enabled: boolean; readonly configMap: string; readonly key: string };
  readonly resyncMs: number;
  readonly driftPeriodMs: number;
  readonly detachGraceMs: number;
  readonly debounceMs: number;
  readonly debounceMaxMs: number;
  /** Of the original's MIC. */
  readonly originalLock?: LockName;
  readonly log: { readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly format: 'text' | 'json' };
  readonly tracing: TracingSettings | undefined;
  readonly userAgentSuffix: string;
  /** Given flags of the original that have no effect. */
  readonly ignored: readonly { readonly flag: string; readonly why: string }[];
  /** Environment variables that are not used because of their values. */
  readonly warnings: readonly string[];
}

export type ConfigReading =
  | { readonly ok: true; readonly config: MicConfig }
  | { readonly ok: false; readonly problems: readonly FlagProblem[] };

/** klog's verbosity for details in the original. */
const debugVerbosity = 5;

/** Commands have the flags of the MIC that runs in this container, if any (`service`: its arguments), but for its log. */
export function readMicConfig(from: {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly hostname: string;
  readonly service?: readonly string[] | undefined;
}): ConfigReading {
  const { argv, env, service } = from;
  const own = readFlags(micFlags, from);
  const isService = own.positional.length === 0;
  const flags = isService ? own : readFlags(micFlags, { argv: afterService(micFlags, argv, service), env });
  const command = readCommand(flags);
  // Problems do not prevent help.
  const problems = command.kind === 'help' ? [] : problemsOf(flags, command);
  if (problems.length > 0 || command.kind === 'unknown') return { ok: false, problems };
  return { ok: true, config: Object.freeze({ command, ...readSettings(flags, from), ...readLog(own) }) };
}

function readSettings(
  flags: FlagReading,
  from: { readonly env: Env; readonly hostname: string },
): Omit<MicConfig, 'command' | 'log' | 'ignored' | 'warnings'> {
  const cloudConfigPath = flags.optionalString('cloudconfig');
  const given = from.env['MIC_POD_NAMESPACE'];
  const podNamespace = given ?? 'default';
  return {
    ...readServer(flags),
    ...(cloudConfigPath !== undefined && { cloudConfigPath }),
    podNamespace,
    isNamespaceGiven: given !== undefined,
    forceNamespaced: flags.boolean('forceNamespaced'),
    access: { mode: readMode(flags), recheckMs: flags.durationMs('access-recheck') },
    namespaceShareBytes: flags.integer('namespace-share') * 1024,
    leader: readLeader(flags, { podNamespace, hostname: from.hostname }),
    health: { host: flags.string('http-probe-address'), port: flags.integer('http-probe-port') },
    metrics: { host: flags.string('prometheus-address'), port: flags.integer('prometheus-port') },
    writesPerHost: flags.integer('createDeleteBatch'),
    kubeQps: flags.number('clientQps'),
    immutableClientIds: new Set(flags.list('immutable-user-msis').map((id) => id.toLowerCase())),
    typeUpgrade: {
      enabled: flags.boolean('enable-type-upgrade'),
      configMap: flags.string('config-map-name'),
      key: flags.string('type-upgrade-status-key'),
    },
    resyncMs: flags.durationMs('syncRetryDuration'),
    driftPeriodMs: flags.durationMs('identity-assignment-reconcile-interval'),
    detachGraceMs: flags.durationMs('detach-grace-period'),
    debounceMs: flags.durationMs('debounce'),
    debounceMaxMs: flags.durationMs('debounce-max'),
    ...readNodes(flags, podNamespace),
    ...readOriginalLock(flags),
    tracing: tracingOf(flags, 'mic'),
    userAgentSuffix: flags.string('custom-user-agent'),
  };
}

function readLog(flags: FlagReading): Pick<MicConfig, 'log' | 'ignored' | 'warnings'> {
  const format = flags.string('log-format') === 'json' ? 'json' : 'text';
  const { warnings } = flags;
  return { log: { level: readLevel(flags), format }, ignored: ignoredOf(flags), warnings };
}

function ignoredOf(flags: FlagReading): MicConfig['ignored'] {
  const klog = klogFlagsGiven(flags);
  const others = micFlags.filter(
    ({ name, fate, note }) => fate === 'dropped' && note !== klogNote && flags.given.has(name),
  );
  return [
    ...others.map(({ name, note = '' }) => ({ flag: name, why: note })),
    ...(klog === undefined ? [] : [{ flag: klog, why: klogNote }]),
  ];
}

function readServer(flags: FlagReading): Pick<MicConfig, 'kubeconfig' | 'master' | 'serviceAccountDir'> {
  const [kubeconfig, master] = [flags.optionalString('kubeconfig'), flags.optionalString('master')];
  return {
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(master !== undefined && { master }),
    serviceAccountDir: flags.string('service-account-dir'),
  };
}

function readLeader(
  flags: FlagReading,
  defaults: { readonly podNamespace: string; readonly hostname: string },
): MicConfig['leader'] {
  const durationMs = flags.durationMs('leader-election-duration');
  return {
    identity: flags.optionalString('leader-election-instance') ?? defaults.hostname,
    namespace: flags.optionalString('leader-election-namespace') ?? defaults.podNamespace,
    name: flags.string('leader-election-name'),
    durationMs,
    renewMs: durationMs / 2,
    retryMs: durationMs / 4,
  };
}

function readMode(flags: FlagReading): AccessMode {
  const mode = flags.string('identity-access');
  return mode === 'namespace' || mode === 'warn' ? mode : 'rbac';
}

function readLevel(flags: FlagReading): MicConfig['log']['level'] {
  const level = flags.string('log-level');
  if (!flags.given.has('log-level') && flags.integer('v') >= debugVerbosity) return 'debug';
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

function problemsOf(flags: FlagReading, command: MicCommand | UnknownCommand): readonly FlagProblem[] {
  const problems = [...flags.problems, ...nodeProblems(flags), ...originalLockProblems(flags)];
  if (flags.durationMs('debounce') > flags.durationMs('debounce-max')) {
    problems.push({ name: 'debounce-max', message: '--debounce-max must not be shorter than --debounce' });
  }
  if (flags.given.has('master') && flags.given.has('kubeconfig')) {
    const message = '--master and --kubeconfig both name an API server: give one of them';
    problems.push({ name: 'master', message });
  }
  // The value of a misspelt flag looks like a command: only the flag is reported.
  if (command.kind === 'unknown' && problems.length === 0) problems.push(command.problem);
  return problems;
}
