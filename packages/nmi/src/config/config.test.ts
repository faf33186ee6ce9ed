import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { flagsOf } from '@pod-identity/kit/core';
import { nmiFlags } from './flags.ts';

const read = (argv: string[], env: Record<string, string> = {}) =>
  readConfig({ argv: ['--node', 'n', ...argv], env });
const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const clientId = 'C0000000-0000-4000-8000-000000000001';
const configOf = (argv: string[], env: Record<string, string> = {}) => {
  const reading = read(argv, env);
  if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
  return reading.config;
};

describe('readConfig', () => {
  it('has the defaults of the original where they still mean something', () => {
    expect(configOf([])).toMatchObject({
      node: 'n',
      listen: { host: '127.0.0.1', port: 2579 },
      metadata: { host: '169.254.169.254', port: 80 },
      mode: 'standard',
      forceNamespaced: true,
      byNodeLabel: true,
      metadataHeaderRequired: true,
      probe: { host: '127.0.0.1', port: 8080 },
      metrics: { host: '', port: 9090 },
      holdMs: 25_000,
      bindingGraceMs: 60_000,
      interception: 'redirect',
      firewall: { everyMs: 5_000, cutsOldConnections: true },
      log: { format: 'text', level: 'info' },
    });
  });

  it('starts with what the original’s manifest passes, and says what has no effect', () => {
    const reading = read([
      '--http-probe-port=8085',
      '--retry-attempts-for-created=16',
      '--find-identity-retry-interval',
      '5',
      '-v=3',
      '--enableScaleFeatures=true',
    ]);
    expect(reading).toMatchObject({ kind: 'config', config: { probe: { port: 8085 } } });
    expect(reading.kind === 'config' && reading.warnings).toEqual([
      '--retry-attempts-for-created: no effect any more, see --hold',
      '--find-identity-retry-interval: no effect any more, see --hold',
    ]);
  });

  it('takes the flags of klog with any value, and says in one line that they have no effect', () => {
    const reading = read([
      '--logtostderr',
      '--alsologtostderr=true',
      '--add_dir_header=false',
      '--skip_headers',
      '--skip_log_headers',
      '--one_output',
      '--log_dir=/var/log',
      '--log_file',
      '/var/log/nmi.log',
      '--log_file_max_size=1800',
      '--stderrthreshold=2',
      '--vmodule=server=4',
      '--log_backtrace_at=:0',
    ]);
    expect(reading.kind === 'config' && reading.warnings).toEqual([
      '--logtostderr, --alsologtostderr, --add_dir_header, --skip_headers, --skip_log_headers, --one_output, --log_dir, ' +
        '--log_file, --log_file_max_size, --stderrthreshold, --vmodule, --log_backtrace_at: no effect any more, ' +
        'klog is not used: the log goes to standard output',
    ]);
  });

  it('warns that with --interception=none some programs ask the machine itself', () => {
    const reading = readConfig({ argv: ['--node=n', '--interception=none'], env: {} });
    expect(reading.kind === 'config' && reading.warnings).toEqual([
      expect.stringContaining('ignore AZURE_POD_IDENTITY_AUTHORITY_HOST'),
    ]);
  });

  it('reads the environment of the original', () => {
    const config = readConfig({
      argv: [],
      env: { NODE_NAME: 'n2', FORCENAMESPACED: 'true', KUBECONFIG: '/k', HOST_IP: '10.0.0.4' },
    });
    expect(config).toMatchObject({
      config: { node: 'n2', forceNamespaced: true, kubeconfig: '/k', metrics: { host: '10.0.0.4' } },
    });
  });

  it('names every problem at once', () => {
    const reading = readConfig({
      argv: [
        '--nmi-prt=1',
        '--http-probe-port=x',
        '--operation-mode=managed',
        '--force-namespaced=false',
        '--metadata-allow=instance,identity',
        'walk',
      ],
      env: {},
    });
    expect(reading.kind === 'problems' && reading.problems).toEqual([
      expect.stringContaining('--nmi-prt'),
      expect.stringContaining('--http-probe-port'),
      expect.stringMatching(/^--metadata-allow must be some of instance, .*, not "instance,identity"$/),
      expect.stringContaining('walk is not understood'),
      expect.stringContaining('needs --forceNamespaced'),
    ]);
  });

  it('a broker needs to know its pod, is probed at the address of its pod, and is for one cloud', () => {
    const env = { POD_NAME: 'broker-0', POD_UID: 'u', POD_IP: '10.0.0.7', POD_NAMESPACE: 'broker' };
    const reading = readConfig({ argv: ['broker'], env });
    expect(reading.kind === 'config' && reading.config).toMatchObject({
      command: { kind: 'broker' },
      probe: { host: '' },
      brokerService: {
        pod: { name: 'broker-0', uid: 'u', address: '10.0.0.7', namespace: 'broker' },
        agent: { namespace: 'aad-pod-identity', name: 'nmi' },
        cloud: { audience: 'api://AzureADTokenExchange', loginHost: 'https://login.microsoftonline.com' },
        loginHost: '',
      },
    });
    const china = ['broker', '--broker-cloud=AzureChinaCloud', '--broker-login-host=https://login.example/'];
    const other = readConfig({ argv: china, env });
    expect(other.kind === 'config' && other.config.brokerService).toMatchObject({
      cloud: { audience: 'api://AzureADTokenExchangeChina' },
      loginHost: 'https://login.example',
    });
    expect(
      readConfig({
        argv: ['broker', '--broker-agent=', '--broker-login-host=http://login.example'],
        env: { ...env, POD_UID: '' },
      }),
    ).toMatchObject({
      problems: ['the uid of its pod', '--broker-login-host', '--broker-agent'].map(
        (text) => expect.stringContaining(text) as string,
      ),
    });
  });

  it('check-federated takes an identity and a resource', () => {
    const check = (...words: string[]) => readConfig({ argv: ['check-federated', ...words], env: {} });
    const identity = `${tenantId}/${clientId}`;
    expect(check(identity, 'https://vault.azure.net')).toMatchObject({
      config: { command: { resource: 'https://vault.azure.net' } },
    });
    const problems = [expect.stringContaining('check-federated TENANT/CLIENT-ID') as string];
    for (const words of [
      [],
      ['contoso.com/c'],
      [tenantId],
      [`${identity}/x`],
      [identity, 'a b'],
      [identity, ''],
      [identity, 'r', 's'],
    ])
      expect(check(...words)).toEqual({ kind: 'problems', problems });
    expect(check(identity, '--broker-login-host=http://login.example')).toMatchObject({
      problems: [expect.stringContaining('--broker-login-host')],
    });
  });

  it('does not choose between two API servers', () => {
    const reading = readConfig({
      argv: ['--node=n1', '--master=https://10.0.0.1:6443'],
      env: { KUBECONFIG: '/k' },
    });
    expect(reading.kind === 'problems' && reading.problems).toEqual([
      expect.stringContaining('give one of them'),
    ]);
  });

  it.each([
    [['--operation-mode=managed', '--forceNamespaced'], { mode: 'managed' }],
    [['--hold=1m30s', '--hold=3s'], { holdMs: 3000 }],
    [['--not-assigned-status=404'], { notAssignedStatus: 404 }],
    [['--interception=none'], { interception: 'none' }],
    [
      ['--master=https://10.0.0.1:6443', '--service-account-dir=/sa'],
      { master: 'https://10.0.0.1:6443', serviceAccountDir: '/sa' },
    ],
    [['-v', '5'], { log: { format: 'text', level: 'debug' } }],
    [['-v', '5', '--log-level=warn'], { log: { level: 'warn' } }],
    [['--log-format=json', '--log-level=warn'], { log: { format: 'json', level: 'warn' } }],
    [['--block-instance-metadata'], { metadataAllowed: new Set(['versions']) }],
    [['--metadata-allow=attested,instance'], { metadataAllowed: new Set(['attested', 'instance']) }],
    [
      ['--http-probe-address=', '--prometheus-address=10.0.0.4', '--prometheus-port=9091'],
      { probe: { host: '', port: 8080 }, metrics: { host: '10.0.0.4', port: 9091 } },
    ],
    [['--enable-host-token'], { hostToken: true }],
    [['install-redirect'], { command: { kind: 'install-redirect' } }],
    [['--operation-mode=Managed'], { mode: 'managed' }],
  ])('understands %j', (argv, expected) => {
    expect(configOf(argv)).toMatchObject(expected);
  });

  it.each<[string[], RegExp[]]>([
    [[], []],
    [
      ['--set-retry-after-header'],
      [/--set-retry-after-header: no effect any more, Retry-After is always sent/],
    ],
    [
      ['--compat-errors=status', '--exact-errors'],
      [/--compat-errors: no effect any more, errors are/, /--exact-errors: no effect any more, errors are/],
    ],
    [['--compat-errors'], [/--compat-errors: no effect any more/]],
    [
      ['--MICNamespace=infra', '--mic-service-account=mic', '--mic-labels=app=mic'],
      ['MICNamespace', 'mic-service-account', 'mic-labels'].map(
        (flag) => new RegExp(`--${flag}: no effect any more, no pod is exempt as MIC`),
      ),
    ],
    [['--firewall=iptables'], [/--firewall: no effect any more, the rules are those of nftables/]],
    ...['live', 'strict', 'off'].map((mode): [string[], RegExp[]] => [
      [`--pod-check=${mode}`],
      [/--pod-check: no effect any more, a pod is checked as with live/],
    ]),
  ])('%j: the log says at start what clients suffer from', (argv, warnings) => {
    const reading = read(argv);
    expect(reading.kind === 'config' && reading.warnings).toEqual(
      warnings.map((text) => expect.stringMatching(text) as string),
    );
  });

  it('check-federated says that it does not have the flags of the service', () => {
    const warnings = [expect.stringContaining('the flags of the service are not read') as string];
    expect(read(['check-federated', `${tenantId}/${clientId}`])).toMatchObject({ kind: 'config', warnings });
  });

  it('help and version go before problems', () => {
    expect(readConfig({ argv: ['--help', '--nonsense'], env: {} })).toEqual({ kind: 'help' });
    expect(readConfig({ argv: ['--version'], env: {} })).toEqual({ kind: 'version' });
  });
});

it('every flag of the original is there, and every other has a reason', () => {
  const original = (
    'version nmi-listen-address nmi-port metadata-ip metadata-port node ipt-update-interval-sec forceNamespaced MICNamespace http-probe-port ' +
    'retry-attempts-for-created retry-attempts-for-assigned find-identity-retry-interval enableProfile enableScaleFeatures block-instance-metadata ' +
    'metadata-header-required prometheus-port operation-mode allow-network-plugin-kubenet kubelet-config set-retry-after-header ' +
    'enable-conntrack-deletion log-format custom-user-agent'
  ).split(' ');
  const flags = flagsOf(nmiFlags);
  const names = flags.map(({ name }) => name);
  expect(original.filter((name) => !names.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
  expect(flags.filter(({ fate, why }) => fate !== 'kept' && why === undefined)).toEqual([]);
});
