// Pictures for tests: a small one, one of any size, and one whose names try to break the page.
import type { ClusterChecks, Line, Picture, PodStory, State, Thing } from '../src/ui/picture.ts';

const thing = (part: Partial<Thing> & Pick<Thing, 'id' | 'column' | 'name'>): Thing => ({
  namespace: 'shop',
  state: 'ready',
  about: '',
  ...part,
});

const pictureOf = (things: readonly Thing[], lines: readonly Line[]): Picture => ({
  number: 1,
  takenAt: '2026-12-01T04:00:00.000Z',
  server: 'https://cluster.example:6443',
  namespace: undefined,
  things,
  lines,
  unknown: [],
  pending: 0,
});

/** A chain of five things for each pod. */
interface Chain {
  readonly namespace?: string;
  readonly account: string;
  readonly pod: string;
  readonly binding: string;
  readonly identity: string;
  readonly host: string;
  readonly state?: State;
  readonly about?: string;
  readonly group?: string;
  readonly type?: NonNullable<Thing['type']>;
}

export function pictureOfChains(chains: readonly Chain[]): Picture {
  const things = new Map<string, Thing>();
  const lines = new Map<string, Line>();
  for (const chain of chains) {
    const { namespace = 'shop', state = 'ready', about = '', group, type = 'managed' } = chain;
    const path = [
      thing({
        id: `serviceaccount:${namespace}/${chain.account}`,
        column: 'serviceAccount',
        namespace,
        name: chain.account,
        state: 'unused',
      }),
      thing({
        id: `pod:${namespace}/${chain.pod}`,
        column: 'pod',
        namespace,
        name: chain.pod,
        state,
        about,
        ...(group !== undefined && { group }),
      }),
      thing({
        id: `binding:${namespace}/${chain.binding}`,
        column: 'binding',
        namespace,
        name: chain.binding,
      }),
      thing({
        id: `identity:${namespace}/${chain.identity}`,
        column: 'identity',
        namespace,
        name: chain.identity,
        type,
      }),
      thing({ id: `host:${chain.host}`, column: 'host', namespace: undefined, name: chain.host }),
    ];
    for (const one of path) things.set(one.id, one);
    path.slice(1).forEach(({ id }, at) => {
      const from = path[at]?.id ?? '';
      lines.set(`${from}\n${id}`, { from, to: id, state: at < 2 ? state : 'ready' });
    });
  }
  return pictureOf([...things.values()], [...lines.values()]);
}

export const smallPicture = pictureOfChains([
  {
    account: 'web',
    pod: 'web-0',
    binding: 'vault',
    identity: 'vault-reader',
    host: 'vmss/aks-1',
    state: 'waiting',
    about: 'MIC has not attached AzureIdentity shop/vault-reader to vmss/aks-1 yet',
  },
  { account: 'web', pod: 'web-1', binding: 'vault', identity: 'vault-reader', host: 'vmss/aks-1' },
  {
    account: 'report',
    pod: 'report-5',
    binding: 'storage',
    identity: 'storage-writer',
    host: 'vmss/aks-2',
    state: 'refused',
    about: 'ServiceAccount shop/report may not use this identity',
    type: 'service principal',
  },
]);

/** Groups of 10 pods; each identity serves the pods of one namespace. */
export function largePicture(pods: number, identities: number): Picture {
  return pictureOfChains(
    Array.from({ length: pods }, (_, at) => {
      const owner = Math.floor(at / 10);
      const identity = owner % identities;
      const namespace = `team-${identity % 50}`;
      const state = owner % 11 === 0 ? 'waiting' : owner % 17 === 0 ? 'refused' : 'ready';
      return {
        namespace,
        account: `account-${identity}`,
        pod: `app-${owner}-${at % 10}`,
        binding: `binding-${identity}`,
        identity: `identity-${identity}`,
        host: `vmss/pool-${identity % 12}`,
        state,
        about: state === 'ready' ? '' : 'it waits or is refused',
        group: `${namespace} app-${owner} ${state}`,
      };
    }),
  );
}

const markup = `<img src=x onerror="window.attacked=1">`;
const script = '</script><script>window.attacked=2</script>';

/** Names and messages of a cluster whose editors want to run code in the page, or to make it unreadable. */
export const hostilePicture: Picture = {
  ...pictureOfChains([
    {
      account: markup,
      pod: script,
      binding: `"'><svg onload=window.attacked=3>`,
      identity: 'javascript:window.attacked=4',
      host: ']]><!--',
      state: 'refused',
      about: `${markup}${script}`,
    },
    {
      namespace: '\u202Egnp.exe',
      account: 'שלום',
      pod: `\u202Emoc.elpmaxe\u0000\u001b[31m\ud800`,
      binding: '__proto__',
      identity: 'constructor',
      host: '{{7*7}}',
    },
    {
      account: 'a'.repeat(253),
      pod: 'b'.repeat(253),
      binding: 'c'.repeat(253),
      identity: 'd'.repeat(253),
      host: 'e'.repeat(253),
      state: 'waiting',
      about: 'f'.repeat(4_000),
    },
  ]),
  unknown: [`you may not list ${markup}`],
};

export const smallChecks: ClusterChecks = {
  findings: [
    {
      check: 'taints',
      object: 'Node/aks-1',
      finding: {
        topic: 'node',
        verdict: 'problem',
        text: 'it has the start-up taint, and its NMI is ready',
        remedy: { text: 'remove it', command: 'kubectl taint nodes aks-1 nmi-not-ready-' },
      },
    },
  ],
  unknown: ['rights: you may not create subjectaccessreviews'],
};

export const smallStory: PodStory = {
  pod: 'shop/report-5',
  findings: [
    { topic: 'result', verdict: 'problem', text: 'the pod gets no token: NMI returns 403' },
    { topic: 'pod', verdict: 'ok', text: 'it runs on node aks-2' },
    { topic: 'binding', verdict: 'ok', text: 'AzureIdentityBinding shop/storage selects it' },
    {
      topic: 'permission',
      verdict: 'problem',
      text: 'ServiceAccount shop/report may not use this identity',
      remedy: {
        text: 'grant it to the ServiceAccount',
        paste: 'kind: ClusterRole\n',
        command:
          'kubectl create clusterrolebinding report --clusterrole=storage --serviceaccount=shop:report',
      },
    },
    { topic: 'record', verdict: 'waiting', text: 'MIC has not recorded it yet' },
    {
      topic: 'host',
      verdict: 'problem',
      text: 'MIC can’t attach it',
      quote: 'The client may not perform Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
    },
  ],
  events: [
    {
      time: '2026-12-01T04:00:00Z',
      reason: 'IdentityRefused',
      message: 'ServiceAccount shop/report may not use AzureIdentity shop/storage-writer',
      count: 3,
    },
  ],
  tokens: [{ time: '2026-12-01T03:59:00Z', text: 'refused: no permission' }],
  unknown: ['you may not read the log of pods in aad-pod-identity'],
};

export const hostileStory: PodStory = {
  ...smallStory,
  findings: smallStory.findings.map((finding) => ({
    ...finding,
    text: markup,
    quote: script,
    remedy: { text: markup, paste: script, command: script },
  })),
  events: [{ time: markup, reason: script, message: markup, count: 3 }],
  tokens: [{ time: script, text: markup }],
  unknown: [markup],
};

export const hostileChecks: ClusterChecks = {
  findings: hostileStory.findings.map((finding) => ({ check: script, object: markup, finding })),
  unknown: [markup],
};
