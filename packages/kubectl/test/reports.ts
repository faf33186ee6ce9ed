// Reports and stories that tests show in the page of `ui`.
import type { Finding } from '@pod-identity/policy';
import type { Cause, PodRow, Report } from '../src/judge/report.ts';

const row = (pod: string, part: Partial<PodRow> = {}): PodRow => ({
  pod,
  serviceAccount: 'checkout',
  identities: ['shop/keyvault-reader'],
  bindings: ['shop/keyvault-reader'],
  host: 'aks-nodepool1-12345678-vmss000003',
  node: 'aks-nodepool1-12345678-vmss000003',
  state: 'ok',
  why: '',
  ...part,
});
const cause = (part: Partial<Cause>): Cause => ({
  key: 'k',
  state: 'problem',
  text: 't',
  actor: 'editor of the namespace',
  objects: [],
  pods: [],
  remedy: undefined,
  ...part,
});

const mayNot = 'ServiceAccount shop/report may not use AzureIdentity shop/keyvault-reader';
const grant = {
  text: 'grant it the right to use the identity',
  paste: `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: use-keyvault-reader
  namespace: shop
rules:
  - apiGroups: [aadpodidentity.k8s.io]
    resources: [azureidentities]
    resourceNames: [keyvault-reader]
    verbs: [use]
`,
};
const reports = [0, 1, 2, 3, 4, 5].map((at) =>
  row(`shop/report-generator-7d9f8b6c5d-x2x4${at}`, {
    serviceAccount: 'report',
    state: 'problem',
    why: mayNot,
  }),
);
export const reported = reports[0]?.pod ?? '';
const notSelected =
  "no AzureIdentityBinding of namespace shop has the selector 'keyvault-raeder' of the label aadpodidbinding; 'keyvault-reader' is probably meant";
const taint = 'aadpodidentity.k8s.io/nmi-not-ready';

/** Something of each state. */
export const smallReport: Report = {
  causes: [
    cause({
      key: 'r',
      text: mayNot,
      actor: 'cluster administrator',
      pods: reports.map(({ pod }) => pod),
      remedy: grant,
    }),
    cause({
      key: 'l',
      text: notSelected,
      pods: ['shop/cart-0'],
      remedy: {
        text: 'correct the label in the template of the StatefulSet',
        command: `kubectl patch statefulset cart --namespace shop --type merge --patch '{"spec":{"template":{"metadata":{"labels":{"aadpodidbinding":"keyvault-reader"}}}}}'`,
      },
    }),
    cause({
      key: 'n',
      text: `node aks-nodepool1-12345678-vmss000004 still has the taint ${taint}, although NMI is ready there: no pod comes to it`,
      actor: 'cluster administrator',
      remedy: {
        text: 'remove it',
        command: `kubectl taint nodes aks-nodepool1-12345678-vmss000004 ${taint}-`,
      },
    }),
    cause({
      key: 'w',
      state: 'waiting',
      text: 'MIC has not assigned AzureIdentity shop/keyvault-reader to the pods yet',
      actor: 'nobody',
      pods: ['shop/checkout-service-6b8d5c9f7-lm2np'],
    }),
  ],
  services: [
    {
      kind: 'mic',
      namespace: 'aad-pod-identity',
      name: 'mic',
      version: '0.1.0',
      state: 'ok',
      text: '2 of 2 ready',
    },
    {
      kind: 'nmi',
      namespace: 'aad-pod-identity',
      name: 'nmi',
      version: '0.1.0',
      state: 'ok',
      text: '5 of 5 ready',
    },
  ],
  pods: [
    ...reports,
    row('shop/cart-0', { identities: [], bindings: [], state: 'problem', why: notSelected }),
    row('shop/checkout-service-6b8d5c9f7-lm2np', {
      host: '',
      node: '',
      state: 'waiting',
      why: 'MIC has not assigned AzureIdentity shop/keyvault-reader to the pods yet',
    }),
    row('monitoring/grafana-5f4d8c7b9-qqw2z', {
      serviceAccount: 'grafana',
      identities: ['monitoring/metrics-and-logs-reader', 'monitoring/storage'],
      state: 'unknown',
      why: 'you may not read whether it may use the identities',
    }),
    row('shop/checkout-service-6b8d5c9f7-abcde'),
    row('shop/checkout-service-6b8d5c9f7-fghij'),
  ],
  holding: [],
  unknown: ['you may not list nodes'],
};

const finding = (part: Partial<Finding>): Finding => ({ topic: 'pod', verdict: 'ok', text: 't', ...part });

export const smallStory: readonly Finding[] = [
  finding({
    topic: 'result',
    verdict: 'problem',
    text: 'the pod gets no token: its ServiceAccount has no right',
  }),
  finding({ text: 'it runs on node aks-nodepool1-12345678-vmss000003 with address 10.244.3.17' }),
  finding({ topic: 'binding', text: 'AzureIdentityBinding shop/keyvault-reader selects it by its label' }),
  finding({ topic: 'access', verdict: 'problem', text: mayNot, remedy: grant }),
  finding({ topic: 'answer', verdict: 'problem', text: 'NMI responds 403 with reason no-permission' }),
];

/** Every tenth pod has a problem, of as many causes as there are identities with one. */
export function largeReport(pods: number, identities: number): Report {
  const rows = Array.from({ length: pods }, (_, at) => {
    const [team, identity] = [at % 20, at % identities];
    const isWrong = identity % 10 === 0;
    return row(`team-${team}/app-${identity}-7d9f8b6c5d-${String(at).padStart(5, '0')}`, {
      serviceAccount: `app-${identity}`,
      identities: [`team-${team}/id-${identity}`],
      state: isWrong ? 'problem' : 'ok',
      why: isWrong
        ? `ServiceAccount team-${team}/app-${identity} may not use AzureIdentity team-${team}/id-${identity}`
        : '',
    });
  });
  const wrong = Map.groupBy(
    rows.filter(({ state }) => state === 'problem'),
    ({ why }) => why,
  );
  return {
    causes: Array.from(wrong, ([text, own]) =>
      cause({ key: text, text, pods: own.map(({ pod }) => pod), remedy: grant }),
    ),
    services: [],
    pods: rows.toSorted((one, other) => (one.state === other.state ? 0 : one.state === 'problem' ? -1 : 1)),
    holding: [],
    unknown: [],
  };
}

const markup = `<img src=x onerror="window.attacked=1"><script>window.attacked=2</script>\u202e\u001b[2J`;
const endless = `x${'y'.repeat(250)}`;

/** As an editor of a namespace can make it. */
export const hostileReport: Report = {
  causes: [markup, endless].map((text) =>
    cause({
      key: text,
      text,
      pods: [text],
      objects: [text],
      remedy: { text, command: `kubectl x\t${text}\r\n` },
    }),
  ),
  services: [
    { kind: 'nmi', namespace: markup, name: endless, version: markup, state: 'problem', text: markup },
  ],
  pods: [markup, endless].map((text) =>
    row(`shop/${text === markup ? 'markup' : text}`, {
      serviceAccount: text,
      identities: [text, text],
      host: text,
      state: 'problem',
      why: text,
    }),
  ),
  holding: [],
  unknown: [markup, endless],
};
export const hostileStory: readonly Finding[] = [markup, endless].map((text) =>
  finding({ topic: 'result', verdict: 'problem', text, remedy: { text, paste: text, command: text } }),
);
