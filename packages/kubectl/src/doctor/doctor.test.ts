import { canonicalResourceId, customResourceDefinitions, resources } from '@pod-identity/crd-types';
import { problem } from '@pod-identity/policy';
import { describe, expect, it } from 'vitest';
import { readMicConfig, type MicConfig } from '../../../mic/src/commands/plug-in.ts';
import { readNmiConfig, type NmiConfig } from '../../../nmi/src/commands/plug-in.ts';
import { readNode, type NodeFacts } from '../cluster/node.ts';
import type { Installed } from '../cluster/services.ts';
import { examine, exitCodeOf } from './doctor.ts';
import { readDefinition, readEvent, readIdentity, readPod } from './read-objects.ts';
import type { AzureFacts, DoctorFacts, ObjectFinding, PodFacts } from './facts.ts';

const now = Date.UTC(2026, 10, 30);
const read = <T>(...items: T[]) => ({ kind: 'read', items }) as const;
const id =
  '/subscriptions/s1/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/reader';

const daemonSet = (spec: object) => ({ spec: { template: { spec } } });
function installed<C>(
  kind: 'DaemonSet' | 'Deployment',
  name: string,
  config: Installed<C>['config'],
): Installed<C> {
  const replicas = { wanted: 1, ready: 1 };
  return {
    role: name === 'mic' || name === 'broker' ? name : 'nmi',
    kind,
    name,
    namespace: 'aad-pod-identity',
    account: name,
    argv: [],
    env: {},
    image: 'r/x:0.1.0',
    isOriginal: false,
    replicas,
    object: daemonSet({}),
    config,
  };
}
const micConfig = (...argv: string[]) => {
  const reading = readMicConfig({ argv, env: { MIC_POD_NAMESPACE: 'aad-pod-identity' }, hostname: 'mic' });
  if (!reading.ok) throw new Error(JSON.stringify(reading.problems));
  return reading.config;
};
const nmiConfig = (...argv: string[]) => {
  const reading = readNmiConfig({ argv: ['--node=n', ...argv], env: {} });
  if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
  return reading.config;
};
const mic = installed<MicConfig>('Deployment', 'mic', micConfig());
const nmi = installed<NmiConfig>('DaemonSet', 'nmi', nmiConfig());

const pod = (of: Partial<PodFacts>): PodFacts => ({
  namespace: 'shop',
  name: 'web-0',
  labels: { aadpodidbinding: 'demo' },
  nodeName: 'node-0',
  isFinished: false,
  isReady: true,
  owner: '',
  notReady: '',
  ...of,
});
const agent = pod({ namespace: 'aad-pod-identity', name: 'nmi-x', labels: {}, owner: 'DaemonSet/nmi' });
const node = { name: 'node-0', labels: {}, taints: [] };
const { host } = readNode({
  spec: {
    providerID:
      'azure:///subscriptions/s/resourceGroups/nodes/providers/Microsoft.Compute/virtualMachines/vm-0',
  },
});
if (host === undefined) throw new Error('the provider id is not valid');

const healthy: DoctorFacts = {
  now,
  serverNow: now,
  services: { nmi: [nmi], mic: [mic], broker: [], imitations: [], unknown: [] },
  definitions: read(...customResourceDefinitions().map(readDefinition)),
  rights: [],
  nodes: read(node),
  pods: read(agent, pod({})),
  leases: read(),
  identities: read(),
  events: read(),
  explained: { value: [] },
  metrics: { agents: [], notes: [] },
  originalRuns: undefined,
  issuer: { value: 'https://issuer.test/' },
};

function foundIn(different: Partial<DoctorFacts>): readonly (ObjectFinding & { readonly check: string })[] {
  const { checks } = examine({ ...healthy, ...different });
  return checks.flatMap(({ id: check, findings }) => findings.map((finding) => ({ check, ...finding })));
}
const services = (more: Partial<DoctorFacts['services']>) => ({ services: { ...healthy.services, ...more } });
const remedies = (different: Partial<DoctorFacts>) =>
  foundIn(different).map(
    ({ check, finding }) => `${check}: ${finding.remedy?.command ?? finding.remedy?.text ?? ''}`,
  );

it('finds nothing in a cluster without a mistake', () => {
  expect(foundIn({})).toEqual([]);
  expect(exitCodeOf(examine(healthy))).toBe(0);
});

it('what the user may not read is said, and the rest goes on', () => {
  const denied = { kind: 'not-read', why: 'denied', text: 'you may not list nodes' } as const;
  const report = examine({ ...healthy, nodes: denied, explained: { unknown: 'you may not list pods' } });
  expect(report.checks.filter(({ unknown }) => unknown.length > 0).map((one) => one.id)).toEqual([
    'agents',
    'taints',
    'pods',
  ]);
  expect(exitCodeOf(report)).toBe(2);
});

it('attack: what only looks like MIC is named, and is no problem of the cluster', () => {
  const imitations = Array.from({ length: 5 }, (_, at) => `Deployment aaa/mic-${at} looks like MIC`);
  const report = examine({ ...healthy, services: { ...healthy.services, imitations } });
  expect(exitCodeOf(report)).toBe(0);
  const texts = report.checks.flatMap(({ findings }) => findings.map(({ finding }) => finding.text));
  expect(texts).toHaveLength(3);
  expect(texts.at(-1)).toMatch(/mic-2 .* \(and 2 more\)$/);
});

it.each(['original', 'rights', 'agents', 'taints'])(
  'attack: %s is not known where no services are seen',
  (id) => {
    for (const unknown of [[], ['you may not list daemonsets.apps']]) {
      const services = { nmi: [], mic: [], broker: [], imitations: [], unknown };
      const report = examine({ ...healthy, rights: [], services }, new Set([id]));
      expect(exitCodeOf(report)).toBe(2);
    }
  },
);

describe('definitions', () => {
  const all = customResourceDefinitions();
  const without = (change: (definition: (typeof all)[number]) => object) => ({
    definitions: read(...all.map((one) => readDefinition(change(one)))),
  });

  it('one that is missing, or lacks fields, is updated', () => {
    expect(remedies({ definitions: read() })).toEqual(
      Array.from({ length: 4 }, () => 'definitions: kubectl apply -f deploy/crds'),
    );
    const old = without((one) => {
      const copy = structuredClone(one);
      const { properties } = copy.spec.versions[0]?.schema.openAPIV3Schema ?? {};
      const spec = properties?.['spec'] as { 'x-kubernetes-preserve-unknown-fields'?: boolean } | undefined;
      delete spec?.['x-kubernetes-preserve-unknown-fields'];
      delete properties?.['spec']?.properties?.['allowedNamespaces'];
      return copy;
    });
    expect(foundIn(old).map(({ finding }) => finding.text)).toEqual([
      `${resources.AzureIdentity.plural}.aadpodidentity.k8s.io is the original's or an old one: the API server drops spec.allowedNamespaces`,
    ]);
  });

  it('one of v1beta1 needs the overlay for old definitions', () => {
    const old = without((one) => ({ ...one, spec: { ...one.spec, preserveUnknownFields: true } }));
    expect(remedies(old)[0]).toBe(
      'definitions: kubectl apply --server-side --force-conflicts -k deploy/overlays/old-definitions',
    );
  });
});

describe('services', () => {
  it('a second MIC, the original’s, is scaled down', () => {
    const unread = installed<MicConfig>('Deployment', 'mic', { problems: [] });
    const original = { ...unread, namespace: 'default', isOriginal: true };
    expect(remedies(services({ mic: [mic, original] }))).toEqual([
      'original: kubectl scale deployment mic --namespace default --replicas=0',
    ]);
    const stopped = { ...original, replicas: { wanted: 0, ready: 0 } };
    expect(foundIn(services({ mic: [mic, stopped] }))).toEqual([]);
  });

  it('a second MIC of this project is named where it has another Lease', () => {
    const elsewhere = micConfig('--leader-election-namespace=other');
    const second = { ...mic, name: 'mic-2', config: elsewhere };
    const text =
      /^two MICs run, Deployment\/aad-pod-identity\/mic and Deployment\/aad-pod-identity\/mic-2, each/;
    expect(foundIn(services({ mic: [mic, second] })).map(({ finding }) => finding.text)).toEqual([
      expect.stringMatching(text),
    ]);
    const stopped = { ...second, replicas: { wanted: 0, ready: 0 } };
    expect(foundIn(services({ mic: [mic, stopped] }))).toEqual([]);
    expect(foundIn(services({ mic: [mic, { ...mic, name: 'mic-2' }] }))).toEqual([]);
  });

  it('a lock that is renewed without a Deployment is reported with the words of MIC', () => {
    expect(foundIn({ originalRuns: 'somebody renews it' })[0]?.finding.text).toBe('somebody renews it');
  });

  it('flags on which NMI and MIC disagree are named', () => {
    const rbac = installed<NmiConfig>('DaemonSet', 'nmi', nmiConfig('--identity-access=rbac'));
    expect(remedies(services({ nmi: [rbac] }))[0]).toContain('"value":"--identity-access=rbac"');
  });

  it('no NMI, no MIC, refused flags, pods that are not ready, other versions', () => {
    const texts = (more: Partial<DoctorFacts['services']>) =>
      foundIn(services(more)).map(({ finding }) => finding.text);
    expect(texts({ nmi: [], mic: [] })[0]).toContain('no DaemonSet of NMI');
    expect(texts({ mic: [] })[0]).toContain('no MIC runs');
    expect(
      texts({
        mic: [],
        nmi: [installed<NmiConfig>('DaemonSet', 'nmi', nmiConfig('--operation-mode=managed'))],
      }),
    ).toEqual([]);
    expect(
      texts({ mic: [installed<MicConfig>('Deployment', 'mic', { problems: ['--x is unknown'] })] })[0],
    ).toContain('--x is unknown');
    expect(texts({ nmi: [{ ...nmi, replicas: { wanted: 2, ready: 1 } }] })).toEqual([
      'DaemonSet aad-pod-identity/nmi: 1 of 2 pods are ready',
    ]);
    expect(texts({ mic: [{ ...mic, image: 'r/mic:0.2.0' }] })[0]).toContain('nmi 0.1.0, mic 0.2.0');
  });

  it('rights that a ServiceAccount lacks come with the manifest that grants them', () => {
    const account = { service: 'mic', namespace: 'aad-pod-identity', name: 'mic' } as const;
    const right = { verb: 'patch', group: 'g', resource: 'azureidentities', subresource: 'status' };
    const [one] = foundIn({ rights: [{ account, right, isAllowed: false }] });
    expect(one?.finding).toMatchObject({
      text: 'ServiceAccount aad-pod-identity/mic may not patch azureidentities/status',
      remedy: { command: 'kubectl apply -f deploy/base/mic/rbac.yaml' },
    });
    expect(
      examine({ ...healthy, rights: [{ account, right, isAllowed: undefined }] }).checks.find(
        (check) => check.id === 'rights',
      )?.unknown,
    ).toHaveLength(1);
  });
});

describe('clocks', () => {
  it('of this machine and of nodes, against the API server’s', () => {
    expect(remedies({ now: now + 60_000 })).toEqual(['clocks: sudo timedatectl set-ntp true']);
    expect(foundIn({ now: now - 29_000 })).toEqual([]);
    const leases = (ms: number) => ({
      leases: read({ namespace: 'kube-node-lease', name: 'node-0', renewedAt: now + ms }),
    });
    expect(foundIn(leases(600_000))[0]?.finding.text).toContain(
      'node node-0 is 600 s ahead of that of the API server',
    );
    // A node that is behind cannot be told from one that is silent.
    expect(foundIn(leases(-600_000))).toEqual([]);
  });
});

describe('nodes', () => {
  const away = (object: object, on: object = {}) => ({
    ...services({ nmi: [{ ...nmi, object: daemonSet(object) }] }),
    nodes: read({ ...node, ...on }),
    pods: read(pod({})),
  });

  it('that NMI’s DaemonSet leaves out, and why', () => {
    expect(remedies(away({ nodeSelector: { pool: 'apps' } }))).toEqual([
      'agents: kubectl label node node-0 --overwrite pool=apps',
    ]);
    const taints = [{ key: 'gpu', effect: 'NoSchedule' }];
    expect(remedies(away({}, { taints }))[0]).toContain('kubectl patch daemonset nmi');
    expect(remedies(away({ tolerations: [{ operator: 'Exists' }] }, { taints }))).toEqual([
      'agents: kubectl describe daemonset nmi --namespace aad-pod-identity',
    ]);
  });

  describe('with a DaemonSet for each pool', () => {
    const ofPool = (pool: string, spec: object = {}) => ({
      ...nmi,
      name: `nmi-${pool}`,
      object: daemonSet({ nodeSelector: { pool }, ...spec }),
    });
    const of = (pool: string, different: Partial<DoctorFacts> = {}) => ({
      ...services({ nmi: [ofPool('a'), ofPool('b')] }),
      nodes: read({ ...node, labels: { pool } }),
      pods: read(pod({})),
      ...different,
    });

    it('are served by the second too', () => {
      const agentOfB = { ...agent, owner: 'DaemonSet/nmi-b' };
      expect(foundIn(of('b', { pods: read(agentOfB, pod({})) }))).toEqual([]);
      const pods = read({ ...agentOfB, isReady: false }, pod({}));
      expect(remedies(of('b', { pods }))).toEqual([
        'agents: kubectl delete pod nmi-x --namespace aad-pod-identity',
      ]);
    });

    it('are put right by that of their pool, else by the first', () => {
      expect(remedies(of('b'))).toEqual([
        'agents: kubectl describe daemonset nmi-b --namespace aad-pod-identity',
      ]);
      expect(remedies(of('c'))).toEqual(['agents: kubectl label node node-0 --overwrite pool=a']);
    });
  });

  it('where NMI is not ready', () => {
    const pods = read(pod({}), { ...agent, isReady: false, notReady: 'the rules are gone' });
    expect(foundIn({ pods })[0]?.finding.text).toBe(
      'NMI on node node-0 is not ready (the rules are gone): 1 pod there get no token',
    );
  });

  it('without a pod that needs NMI need none, and taints count where NMI is ready', () => {
    expect(foundIn({ pods: read(pod({ labels: {} })) })).toEqual([]);
    const nodes = read({
      ...node,
      taints: [{ key: 'aadpodidentity.k8s.io/nmi-not-ready', effect: 'NoSchedule' }],
    });
    expect(remedies({ nodes })).toEqual([
      'taints: kubectl taint nodes node-0 aadpodidentity.k8s.io/nmi-not-ready-',
    ]);
    expect(foundIn({ nodes, pods: read({ ...agent, isReady: false }) })).toEqual([]);
  });
});

describe('clouds', () => {
  const micOf = (cloud: string, ...argv: string[]) => {
    return { ...mic, env: { CLOUD: cloud }, config: micConfig(...argv) };
  };
  const pod = { POD_NAME: 'b', POD_UID: 'u', POD_IP: '10.0.0.1', POD_NAMESPACE: 'n' };
  const brokerOf = (audience: string, ...flags: string[]) => {
    const reading = readNmiConfig({ argv: ['broker', ...flags], env: pod });
    if (reading.kind !== 'config') throw new Error(JSON.stringify(reading));
    const mounts = [{ name: 'assertion', mountPath: '/var/run/secrets/azure' }];
    const token = { serviceAccountToken: { path: 'assertion', audience } };
    const volumes = [{ name: 'x' }, { name: 'assertion', projected: { sources: [token] } }];
    const object = daemonSet({ containers: [{ volumeMounts: mounts }], volumes });
    return { ...installed<NmiConfig>('Deployment', 'broker', reading.config), object };
  };
  const labelled = (name: string, machine: Pick<NodeFacts, 'host'> = {}): NodeFacts => ({
    ...node,
    ...machine,
    labels: { 'topology.kubernetes.io/region': name },
  });
  const region = (...names: string[]) => read(...names.map((name) => labelled(name, { host })));
  const gov = 'api://AzureADTokenExchangeUSGov';

  it('that agree are not spoken of, nor those that cannot be told', () => {
    for (const [cloud, audience, name] of [
      ['AzurePublicCloud', 'api://AzureADTokenExchange', 'westeurope'],
      ['AzureUSGovernmentCloud', gov, 'usdodeast'],
      ['AzureChinaCloud', 'api://AzureADTokenExchangeChina', 'chinanorth3'],
    ] as const) {
      const broker = brokerOf(audience, `--broker-cloud=${cloud}`);
      const all = services({ mic: [micOf(cloud)], broker: [broker] });
      expect(foundIn({ ...all, nodes: region(name, name) })).toEqual([]);
    }
    const byAlias = services({ mic: [micOf('AzureUSGovernment')] });
    expect(foundIn({ ...byAlias, nodes: region('usgovvirginia') })).toEqual([]);
    expect(
      foundIn({ ...services({ mic: [micOf('AzureStackCloud')] }), nodes: region('westeurope') }),
    ).toEqual([]);
    for (const nodes of [region('ussecwest'), region('westeurope', 'usgovvirginia')])
      expect(foundIn({ ...services({ mic: [micOf('AzureCloud')] }), nodes })).toEqual([]);
    // azure.json counts.
    const withFile = micOf('AzureCloud', '--cloudconfig=/etc/kubernetes/azure.json');
    expect(foundIn({ ...services({ mic: [withFile] }), nodes: region('usgovvirginia') })).toEqual([]);
  });

  it.each(['local', 'dc1', 'westeurope'])('attack: %s tells no cloud of nodes outside Azure', (name) => {
    const all = services({ mic: [micOf('AzureChinaCloud')] });
    expect(foundIn({ ...all, nodes: read(labelled(name)) })).toEqual([]);
    expect(foundIn({ ...all, nodes: read(labelled(name), labelled('chinaeast2', { host })) })).toEqual([]);
  });

  // Machines of an Azure Stack have provider ids of the same form.
  it.each(['local', 'dc1', 'redmond'])('attack: %s is no region of a cloud that is known', (name) => {
    const all = services({ mic: [micOf('AzureChinaCloud')] });
    expect(foundIn({ ...all, nodes: region(name) })).toEqual([]);
  });

  it.each(['eastus', 'westus3', 'uksouth', 'francecentral', 'jioindiawest', 'southeastasia', 'eastus2euap'])(
    '%s is of the public cloud',
    (name) => {
      const all = services({ mic: [micOf('AzureChinaCloud')] });
      expect(foundIn({ ...all, nodes: region(name) })).toHaveLength(1);
    },
  );

  it('other than that of the nodes: of MIC, and of the broker its login host and the audience of its token too', () => {
    const broker = brokerOf(
      'api://AzureADTokenExchange',
      '--broker-login-host=https://login.microsoftonline.com',
    );
    const all = services({ mic: [micOf('AzurePublicCloud')], broker: [broker] });
    const patch = 'clouds: kubectl patch deployment broker --namespace aad-pod-identity --type json --patch ';
    const add = (path: string, value: string) => `${patch}'${JSON.stringify([{ op: 'add', path, value }])}'`;
    const args = '/spec/template/spec/containers/0/args/-';
    expect(remedies({ ...all, nodes: region('usgovarizona') })).toEqual([
      'clouds: kubectl set env deployment mic --namespace aad-pod-identity CLOUD=AzureUSGovernmentCloud',
      add(args, '--broker-cloud=AzureUSGovernmentCloud'),
      add(args, '--broker-login-host=https://login.microsoftonline.us'),
      add('/spec/template/spec/volumes/1/projected/sources/0/serviceAccountToken/audience', gov),
    ]);
  });

  it('of the broker, against that of MIC where nodes have no region', () => {
    const found = foundIn(
      services({ mic: [micOf('AzureChinaCloud')], broker: [brokerOf('api://AzureADTokenExchangeChina')] }),
    );
    expect(found.map(({ finding }) => finding.text)).toEqual([
      'Deployment aad-pod-identity/broker is set for AzurePublicCloud by --broker-cloud=AzurePublicCloud of the broker, and the cluster is in AzureChinaCloud by CLOUD=AzureChinaCloud of MIC',
    ]);
  });

  it('whose login hosts NMI sends no secrets to, if there are service principals', () => {
    const narrow = { ...nmi, config: nmiConfig('--authority-allow=login.microsoftonline.com') };
    const principal = readIdentity({ metadata: { namespace: 'shop', name: 'sp' }, spec: { type: 1 } });
    const facts = { ...services({ nmi: [narrow] }), nodes: region('chinaeast2') };
    expect(foundIn(facts)).toEqual([]);
    expect(remedies({ ...facts, identities: read(principal) })[0]).toContain(
      '--authority-allow=login.microsoftonline.com,login.partner.microsoftonline.cn,login.chinacloudapi.cn',
    );
  });
});

describe('metrics of NMI', () => {
  const none = { tokens: 0, failed: 0, unconfirmed: 0, silentSeconds: 3, foreignListeners: 0 };
  const seen = (counts: object, lately: object = {}) => {
    const one = { pod: agent, counts: { ...none, ...counts }, lately: { ...none, ...lately } };
    const found = foundIn({ metrics: { agents: [one], notes: [] } });
    return found.map(({ finding: { verdict, text } }) => `${verdict}: ${text}`);
  };

  it('attack: a pod that requests nonsense, or was deleted meanwhile, is no problem of the cluster', () => {
    expect(seen({ tokens: 9, failed: 4, unconfirmed: 7 })).toEqual([]);
    const lately = { tokens: 1, failed: 2, unconfirmed: 3 };
    expect(seen({ tokens: 9, failed: 4, unconfirmed: 7 }, lately)).toEqual([
      'info: NMI on node node-0: of the last seconds, 2 token requests failed, 3 were refused because the pod or its rights were not confirmed, and 1 got a token',
    ]);
    for (const one of [{ failed: 1 }, { unconfirmed: 1 }]) expect(seen(one, one)).toHaveLength(1);
  });

  it('an API server that is not reached', () => {
    expect(seen({ silentSeconds: 179 })).toEqual([]);
    expect(seen({ silentSeconds: 200.4 })).toEqual([
      'problem: NMI on node node-0 does not reach the API server: a watch has heard nothing for 200 s',
    ]);
  });

  it('another program at its port; and those that are not read are no fault', () => {
    expect(seen({ foreignListeners: 1 })[0]).toContain(
      'problem: another program listens at the port of NMI on node node-0',
    );
    const report = examine({ ...healthy, metrics: { agents: [], notes: ['you may not get pods/proxy'] } });
    expect(exitCodeOf(report)).toBe(0);
    expect(report.checks.flatMap(({ findings }) => findings)).toMatchObject([
      { finding: { verdict: 'info', text: 'metrics of NMI: you may not get pods/proxy' } },
    ]);
  });
});

describe('identities', () => {
  const identity = (spec: object, reason?: string) =>
    readIdentity({
      metadata: { namespace: 'shop', name: 'reader' },
      spec,
      ...(reason !== undefined && { status: { conditions: [{ type: 'Ready', status: 'False', reason }] } }),
    });

  it('a wrong client id is replaced by Azure’s', () => {
    const identities = read(identity({ resourceID: id, clientID: 'x' }, 'ClientIDMismatch'));
    expect(remedies({ identities })[0]).toContain(
      'client-ids: kubectl patch azureidentity reader --namespace shop',
    );
  });

  describe('whose federated credential a pod missed lately', () => {
    const event = (ago: number) =>
      readEvent({
        reason: 'CredentialMissing',
        involvedObject: { kind: 'Pod', namespace: 'shop', name: 'web-0' },
        lastTimestamp: new Date(now - ago).toISOString(),
      });
    const explained = {
      value: [
        {
          pod: 'shop/web-0',
          findings: [
            {
              topic: 'binding',
              verdict: 'ok',
              text: 'shop/b selects the pod and names AzureIdentity shop/reader',
            },
          ],
          result: { topic: 'result', verdict: 'ok', text: '' },
        },
      ],
    } as const;
    const broker = {
      ...installed<NmiConfig>('Deployment', 'broker', nmiConfig()),
      namespace: 'aad-pod-identity-broker',
    };
    const facts = (spec: object, ago = 0) => ({
      ...services({ broker: [broker] }),
      explained,
      events: read(event(ago)),
      identities: read(identity({ type: 3, clientID: 'c-1', ...spec })),
    });
    const issuer = 'https://issuer.test/';
    const subject = 'system:serviceaccount:aad-pod-identity-broker:broker';

    it('is told how to create it, with the issuer of the cluster', () => {
      const rest = `--issuer ${issuer} --subject ${subject} --audiences api://AzureADTokenExchange`;
      expect(remedies(facts({ resourceID: id }))).toEqual([
        expect.stringMatching(
          /^credentials: az identity federated-credential create --resource-group rg --subscription s1 --identity-name reader /,
        ),
      ]);
      for (const spec of [{ resourceID: id }, {}]) expect(remedies(facts(spec))[0]).toContain(rest);
      expect(remedies(facts({}))[0]).toContain(
        `az identity list --query "[?clientId=='c-1'].[resourceGroup,name]"`,
      );
      expect(foundIn(facts({}, 11 * 60_000))).toEqual([]);
      expect(
        foundIn({ ...facts({}), issuer: { unknown: 'no' } })[0]?.finding.remedy?.command,
      ).toBeUndefined();
    });

    it.each([{ resourceID: id }, {}])('attack: the account of the broker is one word (%j)', (spec) => {
      const hostile = { ...broker, account: '$(touch f)' };
      expect(remedies({ ...facts(spec), ...services({ broker: [hostile] }) })[0]).toContain(
        "--subject 'system:serviceaccount:aad-pod-identity-broker:$(touch f)' ",
      );
    });

    it('attack: an identity whose name begins as that of another one is not told to trust the broker', () => {
      const named = (name: string) =>
        readIdentity({ metadata: { namespace: 'shop', name }, spec: { type: 3, resourceID: id } });
      const identities = read(...['read', 'reade', 'reader', 'reader-2'].map(named));
      expect(foundIn({ ...facts({}), identities }).map(({ object }) => object)).toEqual([
        'AzureIdentity/shop/reader',
      ]);
    });

    it('attack: thousands of forged Events, pods and identities do not hold the command', () => {
      const began = performance.now();
      const names = Array.from({ length: 4_000 }, (_, at) => `web-${at}`);
      const forged = names.map((name) => ({
        reason: 'CredentialMissing',
        kind: 'Pod',
        namespace: 'x',
        name,
        lastAt: now,
      }));
      const pods = names.map((name) => ({ ...explained.value[0], pod: `x/${name}`, findings: [] }));
      const identities = Array.from({ length: 500 }, () => identity({ type: 3, clientID: 'c-1' }));
      const lists = { events: read(...forged), identities: read(...identities) };
      expect(foundIn({ ...facts({}), ...lists, explained: { value: pods } })).toEqual([]);
      expect(performance.now() - began).toBeLessThan(2_000);
    });

    // `az … create` replaces a credential of the same name.
    it.each([{ resourceID: id }, {}])('attack: the credential of another cluster stays (%j)', (spec) => {
      const nameIn = (of: string) =>
        /--name (\S+)/.exec(remedies({ ...facts(spec), issuer: { value: of } })[0] ?? '')?.[1];
      expect(nameIn('https://a.test/')).toMatch(/^aad-pod-identity-broker-/);
      expect(nameIn('https://a.test/')).not.toBe(nameIn('https://b.test/'));
    });

    it('has it by now, as Azure says', () => {
      const azureId = canonicalResourceId(id);
      const azure = (audience: string): AzureFacts => ({
        identities: [{ id: azureId, clientId: 'C-1' }],
        listed: new Set(['s1']),
        credentials: new Map([[azureId, [{ issuer, subject, audiences: [audience] }]]]),
        unknown: [],
      });
      for (const spec of [{ resourceID: id }, {}]) {
        const verdicts = (audience: string) =>
          foundIn({ ...facts(spec), azure: azure(audience) }).map(({ finding }) => finding.verdict);
        expect(verdicts('api://AzureADTokenExchange')).toEqual(['info']);
        expect(verdicts('api://another')).toEqual(['problem']);
      }
    });
  });
});

describe('Azure', () => {
  const principalId = '00000000-0000-0000-0000-0000000000aa';
  const azureId = canonicalResourceId(id);
  const operator = { actions: ['Microsoft.ManagedIdentity/*/assign/action'], notActions: [] };
  const contributor = { actions: ['Microsoft.Compute/*'], notActions: [] };
  const subscription = azureId.split('/')[2] ?? '';
  const identity = (spec: object, name = 'reader') =>
    readIdentity({ metadata: { namespace: 'shop', name }, spec: { type: 0, resourceID: id, ...spec } });
  const roles = { principalId, listed: new Set([subscription, 's']) };
  const azure = (more: Partial<AzureFacts> = {}): AzureFacts => ({
    identities: [{ id: azureId, clientId: 'c-1' }],
    listed: new Set([subscription]),
    credentials: new Map(),
    roles: {
      ...roles,
      assignments: [
        { scope: canonicalResourceId(`/subscriptions/${subscription}`), permissions: [operator] },
        { scope: canonicalResourceId('/subscriptions/s/resourceGroups/nodes'), permissions: [contributor] },
      ],
    },
    unknown: [],
    ...more,
  });
  const nodes = read({ ...node, host });
  const facts = (azureFacts: AzureFacts, ...identities: ReturnType<typeof identity>[]) => ({
    azure: azureFacts,
    identities: read(...identities),
    nodes,
  });

  it('is asked for: without an answer nothing is said of it', () => {
    expect(examine(healthy).checks.map((check) => check.id)).not.toContain('azure');
    const { checks } = examine({ ...healthy, azure: azure({ unknown: ['az login'] }) });
    expect(checks.find((check) => check.id === 'azure')?.unknown).toEqual(['az login']);
    expect(foundIn(facts(azure(), identity({ clientID: 'C-1' }), identity({}, 'silent')))).toEqual([]);
  });

  it('an identity that is not there, or has another client id', () => {
    expect(remedies(facts(azure({ identities: [] }), identity({})))).toEqual([
      `azure: az identity show --ids ${azureId}`,
    ]);
    expect(remedies(facts(azure(), identity({ clientID: 'c-2' })))[0]).toContain(
      'azure: kubectl patch azureidentity reader --namespace shop',
    );
    expect(foundIn(facts(azure({ identities: [], listed: new Set() }), identity({})))).toEqual([]);
  });

  it.each([
    { on: 'an identity', kept: 1, role: 'Managed Identity Operator', scope: azureId },
    {
      on: 'a host',
      kept: 0,
      role: 'Virtual Machine Contributor',
      scope: '/subscriptions/s/resourcegroups/nodes',
    },
  ])('a role that MIC lacks on $on', ({ kept, role, scope }) => {
    const assignments = azure().roles?.assignments.slice(kept, kept + 1) ?? [];
    expect(remedies(facts(azure({ roles: { ...roles, assignments } }), identity({})))).toEqual([
      `azure: az role assignment create --role "${role}" --assignee-object-id ${principalId} --scope ${scope}`,
    ]);
  });

  it('attack: a role below or beside a scope is none at it', () => {
    const assignments = [`${azureId}x`, `${azureId}/below`].map((scope) => ({
      scope: canonicalResourceId(scope),
      permissions: [operator, contributor],
    }));
    expect(foundIn(facts(azure({ roles: { ...roles, assignments } }), identity({})))).toHaveLength(2);
  });

  it('attack: no role is asked for on what an editor wrote down and Azure does not have', () => {
    const found = foundIn(
      facts(azure({ identities: [], roles: { ...roles, assignments: [] } }), identity({})),
    );
    expect(found.map(({ object }) => object)).toEqual([
      'AzureIdentity/shop/reader',
      'Role/Virtual Machine Contributor at /subscriptions/s/resourcegroups/nodes',
    ]);
  });

  it('roles that are not known, of all subscriptions or of one, are not said to be missing', () => {
    const { identities, listed, credentials, unknown } = azure();
    expect(foundIn(facts({ identities, listed, credentials, unknown }, identity({})))).toEqual([]);
    const of = (...known: string[]) => ({ ...roles, listed: new Set(known), assignments: [] });
    expect(foundIn(facts(azure({ roles: of() }), identity({})))).toEqual([]);
    expect(foundIn(facts(azure({ roles: of('s') }), identity({})))).toHaveLength(1);
  });
});

describe('pods', () => {
  const explained = (...pods: string[]) => ({
    explained: {
      value: pods.map((name) => ({
        pod: `shop/${name}`,
        findings: [
          problem('binding', `${name} has no binding`, {
            text: 'label it',
            command: `kubectl label pod ${name}`,
          }),
        ],
        result: problem('result', 'no'),
      })),
    },
  });

  it('with the same problem are named up to three times', () => {
    expect(remedies(explained('a', 'b'))).toEqual(['pods: kubectl label pod a', 'pods: kubectl label pod b']);
    const texts = foundIn(explained('web-1', 'web-2', 'web-3', 'web-4', 'web-5')).map(
      ({ finding }) => finding.text,
    );
    expect(texts).toHaveLength(3);
    expect(texts[2]).toBe('pod shop/web-3: web-3 has no binding (and 2 more pods of this namespace)');
  });

  it('whose label’s key is misspelt', () => {
    expect(remedies({ pods: read(agent, pod({ labels: { aadpodidbindng: 'demo' } })) })).toEqual([
      'pods: kubectl label pod web-0 --namespace shop aadpodidbinding=demo aadpodidbindng-',
    ]);
  });
});

it('objects of the API server are read as the checks need them', () => {
  expect(
    readPod({
      metadata: {
        namespace: 'n',
        name: 'p',
        labels: { a: 'b' },
        ownerReferences: [{ kind: 'DaemonSet', name: 'nmi', controller: true }],
      },
      spec: { nodeName: 'node-0' },
      status: {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
      },
    }),
  ).toEqual({
    namespace: 'n',
    name: 'p',
    labels: { a: 'b' },
    nodeName: 'node-0',
    isFinished: false,
    isReady: false,
    owner: 'DaemonSet/nmi',
    notReady: 'ContainersNotReady',
  });
  expect(
    readNode({ metadata: { name: 'n' }, spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }),
  ).toEqual({ name: 'n', labels: {}, taints: [{ key: 'k', effect: 'NoExecute' }] });
});

it('attack: the findings about one namespace do not crowd out those about others', () => {
  const misspelt = (namespace: string, name: string) =>
    pod({ namespace, name, labels: { aadpodidbindng: 'demo' } });
  const forged = Array.from({ length: 300 }, (_, at) => misspelt('hostile', `p-${at}`));
  const facts = { ...healthy, pods: read(...forged, misspelt('shop', 'web')) };
  const [report] = examine(facts, new Set(['pods'])).checks;
  const objects = report?.findings.map(({ object }) => object) ?? [];
  expect(objects).toContain('Pod/shop/web');
  expect(objects.length).toBeLessThan(20);
  expect(report?.findings.map(({ finding }) => finding.text).join('\n')).toContain('290 more');
});
