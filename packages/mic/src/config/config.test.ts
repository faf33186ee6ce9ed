import { flagsOf, klogFlags } from '@pod-identity/kit/core';
import { describe, expect, it, test } from 'vitest';
import { readMicConfig } from './config.ts';
import { micFlags } from './flags.ts';

const read = (argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
  readMicConfig({ argv, env, hostname: 'mic-0' });
const config = (...from: Parameters<typeof read>) => {
  const reading = read(...from);
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.config;
};

describe('the defaults', () => {
  it('are the original’s where they still apply', () => {
    expect(config()).toMatchObject({
      command: { kind: 'run' },
      podNamespace: 'default',
      forceNamespaced: true,
      leader: {
        identity: 'mic-0',
        namespace: 'default',
        name: 'aad-pod-identity-mic',
        durationMs: 15_000,
        renewMs: 7500,
        retryMs: 3750,
      },
      health: { host: '127.0.0.1', port: 8080 },
      probeFile: '',
      metrics: { host: '', port: 8888 },
      writesPerHost: 20,
      resyncMs: 3_600_000,
      driftPeriodMs: 180_000,
      log: { level: 'info', format: 'text' },
      ignored: [],
    });
  });

  it('and the lock of the original’s MIC, which can be another one, or none', () => {
    const lockOf = (...argv: string[]) => config(argv).originalLock;
    expect(lockOf()).toEqual({ namespace: 'default', name: 'aad-pod-identity-mic' });
    expect(lockOf('--original-lock=kube-system/mic')).toEqual({ namespace: 'kube-system', name: 'mic' });
    expect(lockOf('--original-lock=')).toBeUndefined();
  });

  it('and new ones for new flags', () => {
    expect(config()).toMatchObject({ detachGraceMs: 300_000 });
  });
});

test.each([
  ['--cloudconfig /etc/kubernetes/azure.json', {}, { cloudConfigPath: '/etc/kubernetes/azure.json' }],
  ['--kubeconfig=/k', {}, { kubeconfig: '/k' }],
  ['-forceNamespaced=false', {}, { forceNamespaced: false }],
  ['--force-namespaced=false', {}, { forceNamespaced: false }],
  ['', { FORCENAMESPACED: 'false' }, { forceNamespaced: false }],
  ['--forceNamespaced', { FORCENAMESPACED: 'false' }, { forceNamespaced: true }],
  [
    '',
    { MIC_POD_NAMESPACE: 'kube-system' },
    { podNamespace: 'kube-system', leader: { namespace: 'kube-system' } },
  ],
  ['--leader-election-namespace x', { MIC_POD_NAMESPACE: 'kube-system' }, { leader: { namespace: 'x' } }],
  [
    '--leader-election-instance me --leader-election-duration 30s',
    {},
    { leader: { identity: 'me', durationMs: 30_000 } },
  ],
  ['--immutable-user-msis=AB,cd', {}, { immutableClientIds: new Set(['ab', 'cd']) }],
  [
    '--identity-assignment-reconcile-interval 1m30s --syncRetryDuration 3600s',
    {},
    { driftPeriodMs: 90_000, resyncMs: 3_600_000 },
  ],
  ['--detach-grace-period 0s', {}, { detachGraceMs: 0 }],
  [
    '--master https://10.0.0.1:6443 --service-account-dir /sa',
    {},
    { master: 'https://10.0.0.1:6443', serviceAccountDir: '/sa' },
  ],
  ['--http-probe-port 0 --prometheus-port 0', {}, { health: { port: 0 }, metrics: { host: '', port: 0 } }],
  ['--http-probe-address=', { HOST_IP: '10.0.0.4' }, { health: { host: '' }, metrics: { host: '10.0.0.4' } }],
  ['--prometheus-address 127.0.0.1', { HOST_IP: '10.0.0.4' }, { metrics: { host: '127.0.0.1' } }],
  ['-v 5', {}, { log: { level: 'debug' } }],
  ['-v 5 --log-level warn', {}, { log: { level: 'warn' } }],
  ['-v=2 --log-format json', {}, { log: { level: 'info', format: 'json' } }],
  ['--custom-user-agent mine', {}, { userAgentSuffix: 'mine' }],
  ['--version', {}, { command: { kind: 'version' } }],
])('%s %j', (line, env, expected) => {
  expect(config(line === '' ? [] : line.split(' '), env)).toMatchObject(expected);
});

describe('problems', () => {
  it('C19 are returned all at once', () => {
    const reading = read([
      '--log-format',
      'xml',
      '--http-probe-port',
      '70000',
      '--cloudconfg',
      'x',
      ...['--master', 'https://10.0.0.1:6443', '--kubeconfig', 'x', '--original-lock', 'default'],
    ]);
    expect(reading.ok ? [] : reading.problems.map(({ name }) => name).sort()).toEqual([
      'cloudconfg',
      'http-probe-port',
      'log-format',
      'master',
      'original-lock',
    ]);
  });

  test.each([['frobnicate'], ['explain team/web'], ['constructor']])(
    'the command "%s" is refused',
    (line) => {
      expect(read(line.split(' ')).ok).toBe(false);
    },
  );

  it('do not prevent help', () => {
    expect(config(['--help', '--log-format', 'xml']).command).toMatchObject({
      kind: 'help',
      text: expect.stringContaining('--detach-grace-period') as string,
    });
  });
});

describe('flags of the original', () => {
  const original = [
    'kubeconfig',
    'cloudconfig',
    'forceNamespaced',
    'version',
    'syncRetryDuration',
    'leader-election-instance',
    'leader-election-namespace',
    'leader-election-name',
    'leader-election-duration',
    'http-probe-port',
    'prometheus-port',
    'enableProfile',
    'enableScaleFeatures',
    'createDeleteBatch',
    'clientQps',
    'immutable-user-msis',
    'config-map-name',
    'type-upgrade-status-key',
    'enable-type-upgrade',
    'update-user-msi-max-retry',
    'update-user-msi-retry-interval',
    'identity-assignment-reconcile-interval',
    'log-format',
    'custom-user-agent',
  ];

  it('are all accepted', () => {
    const known = new Set(flagsOf(micFlags).map(({ name }) => name));
    expect(original.filter((name) => !known.has(name))).toEqual([]);
  });

  it('without effect are reported with the reason', () => {
    const { ignored } = config([
      '--enableScaleFeatures',
      '--enable-type-upgrade=false',
      '--config-map-name=some-config',
      '--type-upgrade-status-key=some-key',
      '--update-user-msi-max-retry=2',
      '--update-user-msi-retry-interval=1s',
      '--logtostderr',
    ]);
    expect(ignored.map(({ flag }) => flag).sort()).toEqual([
      'config-map-name',
      'enable-type-upgrade',
      'enableScaleFeatures',
      'logtostderr',
      'type-upgrade-status-key',
      'update-user-msi-max-retry',
      'update-user-msi-retry-interval',
    ]);
    expect(ignored.every(({ why }) => why !== '')).toBe(true);
  });

  it('of klog are accepted with any value and logged in one line', () => {
    const { ignored } = config(
      klogFlags.map(({ name, type }) => `--${name}=${type.kind === 'boolean' ? 'true' : 'x'}`),
    );
    expect(ignored).toEqual([
      {
        flag:
          'logtostderr, --alsologtostderr, --add_dir_header, --skip_headers, --skip_log_headers, --one_output, ' +
          '--log_dir, --log_file, --log_file_max_size, --stderrthreshold, --vmodule, --log_backtrace_at',
        why: 'klog is not used: the log goes to standard output',
      },
    ]);
  });
});
