import { readFlags, type FlagReading } from '@pod-identity/kit/core';
import type { OperationMode } from './authorize/types.ts';
import { flags, flagSpecs } from './flags.ts';
import { metadataFamilies, type MetadataFamily } from './routes.ts';

export interface NmiConfig {
  readonly node: string;
  readonly kubeconfig: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  readonly metadata: { readonly host: string; readonly port: number };
  readonly mode: OperationMode;
  readonly forceNamespaced: boolean;
  readonly byNodeLabel: boolean;
  readonly controller: { readonly namespace: string; readonly serviceAccount: string };
  readonly metadataHeaderRequired: boolean;
  readonly metadataAllowed: ReadonlySet<MetadataFamily>;
  readonly hostToken: boolean;
  readonly holdMs: number;
  readonly callerHoldMs: number;
  readonly notAssignedStatus: 503 | 404;
  readonly redirect: { readonly by: 'iptables' | 'none'; readonly everyMs: number };
  readonly probePort: number;
  readonly metricsPort: number;
  readonly log: { readonly format: 'text' | 'json'; readonly level: 'debug' | 'info' | 'warn' | 'error' };
}

export type ConfigReading =
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'problems'; readonly problems: readonly string[] }
  | { readonly kind: 'config'; readonly config: NmiConfig; readonly warnings: readonly string[] };

export interface ConfigSource {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The whole configuration, or everything that is wrong with it at once. */
export function readConfig(from: ConfigSource): ConfigReading {
  const reading = readFlags(flagSpecs, from);
  if (reading.given.has('help') && reading.boolean('help')) return { kind: 'help' };
  if (reading.given.has('version') && reading.boolean('version')) return { kind: 'version' };
  const problems = [...reading.problems.map(({ message }) => message), ...relations(reading)];
  if (problems.length > 0) return { kind: 'problems', problems };
  return { kind: 'config', config: Object.freeze(configOf(reading)), warnings: warningsOf(reading) };
}

/** What single flags cannot say. */
function relations(reading: FlagReading): string[] {
  const problems: string[] = [];
  if (reading.string('node') === '')
    problems.push('--node is missing: give the name of the Kubernetes node that this runs on');
  if (reading.string('operation-mode') === 'managed' && !reading.boolean('forceNamespaced')) {
    problems.push(
      '--operation-mode managed needs --forceNamespaced: identities are then the business of each namespace',
    );
  }
  const unknown = reading.list('metadata-allow').filter((family) => !isFamily(family));
  if (unknown.length > 0) {
    problems.push(`--metadata-allow knows ${metadataFamilies.join(', ')}, but not ${unknown.join(', ')}`);
  }
  if (reading.positional.length > 0)
    problems.push(`there are no commands: ${reading.positional.join(' ')} is not understood`);
  return problems;
}

function configOf(reading: FlagReading): NmiConfig {
  return {
    node: reading.string('node'),
    kubeconfig: reading.optionalString('kubeconfig'),
    listen: { host: reading.string('nmi-listen-address'), port: reading.integer('nmi-port') },
    metadata: { host: reading.string('metadata-ip'), port: reading.integer('metadata-port') },
    mode: reading.string('operation-mode').toLowerCase() === 'managed' ? 'managed' : 'standard',
    forceNamespaced: reading.boolean('forceNamespaced'),
    byNodeLabel: reading.boolean('enableScaleFeatures'),
    controller: {
      namespace: reading.string('MICNamespace'),
      serviceAccount: reading.string('mic-service-account'),
    },
    metadataHeaderRequired: reading.boolean('metadata-header-required'),
    metadataAllowed: allowedFamilies(reading),
    hostToken: reading.boolean('enable-host-token'),
    holdMs: reading.durationMs('hold'),
    callerHoldMs: reading.durationMs('caller-hold'),
    notAssignedStatus: reading.string('not-assigned-status') === '404' ? 404 : 503,
    redirect: {
      by: reading.string('redirect') === 'none' ? 'none' : 'iptables',
      everyMs: reading.integer('ipt-update-interval-sec') * 1000,
    },
    probePort: reading.integer('http-probe-port'),
    metricsPort: reading.integer('prometheus-port'),
    log: { format: reading.string('log-format') === 'json' ? 'json' : 'text', level: levelOf(reading) },
  };
}

function allowedFamilies(reading: FlagReading): ReadonlySet<MetadataFamily> {
  const allowed = new Set(reading.list('metadata-allow').filter(isFamily));
  if (reading.boolean('block-instance-metadata')) allowed.delete('instance');
  return allowed;
}

function isFamily(text: string): text is MetadataFamily {
  return metadataFamilies.some((family) => family === text);
}

/** `-v` is the original's: from 5 on it means everything. */
function levelOf(reading: FlagReading): NmiConfig['log']['level'] {
  if (reading.integer('v') >= 5) return 'debug';
  const level = reading.string('log-level');
  return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info';
}

function warningsOf(reading: FlagReading): string[] {
  return flags.flatMap(({ spec, fate, why }) =>
    fate === 'dropped' && reading.given.has(spec.name)
      ? [`--${spec.name} has no effect any more: ${why}`]
      : [],
  );
}
