import { neverRules, pureExpressions } from './tools/workspace/room-patterns.mjs';
import { rooms } from './tools/workspace/rooms.mjs';

const may = {
  'packages/crd-types': [],
  'packages/imds-client': [],
  'packages/kit': [],
  'packages/policy': ['packages/crd-types', 'packages/kit'],
  'packages/mic': ['packages/crd-types', 'packages/imds-client', 'packages/kit', 'packages/policy'],
  'packages/nmi': ['packages/crd-types', 'packages/imds-client', 'packages/kit', 'packages/policy'],
  'packages/keyvault-sample': ['packages/imds-client'],
  'packages/kubectl': [
    'packages/crd-types',
    'packages/kit',
    'packages/mic',
    'packages/nmi',
    'packages/policy',
  ],
  'tools/sim': ['packages/crd-types'],
};
const escape = (path) => path.replaceAll('/', '\\/');
const isTest = '\\.test(-d)?\\.ts$|/test/';
const pure = pureExpressions(rooms);

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-touches-nothing',
      comment: 'A pure file reaches only pure files; of Node it may use crypto.',
      severity: 'error',
      from: { path: pure, pathNot: isTest },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'pure-reaches-pure',
      severity: 'error',
      from: { path: pure, pathNot: isTest },
      to: {
        path: '^(packages|tools)/',
        pathNot: pure,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'nobody-imports-main',
      severity: 'error',
      from: { pathNot: isTest },
      to: { path: '^packages/[^/]+/src/main\\.ts$' },
    },
    {
      name: 'kubernetes-client-behind-one-door',
      severity: 'error',
      from: { path: '^packages/', pathNot: ['^packages/kit/src/kube/kube-config\\.ts$', isTest] },
      to: { path: '@kubernetes/client-node' },
    },
    {
      name: 'certificates-are-made-by-the-broker-alone',
      comment: 'It makes its own, and reads none.',
      severity: 'error',
      from: {
        path: '^packages/nmi/',
        pathNot: ['^packages/nmi/src/broker/roster/certificate\\.ts$', isTest],
      },
      to: { path: 'node_modules/(pkijs|asn1js)/' },
    },
    {
      name: 'testing-only-in-tests',
      severity: 'error',
      from: { path: '^packages/', pathNot: [isTest, '^packages/kit/src/testing/'] },
      to: { path: '^packages/kit/src/testing/' },
    },
    {
      name: 'imds-client-has-two-doors',
      comment: 'Its exports, and for NMI its pure parts.',
      severity: 'error',
      from: { path: '^packages/', pathNot: ['^packages/imds-client/', isTest] },
      to: { path: '^packages/imds-client/src/', pathNot: '/(index|parts)\\.ts$' },
    },
    ...neverRules(rooms, isTest),
    ...Object.entries(may).map(([from, allowed]) => ({
      name: `graph-${from.split('/')[1]}`,
      severity: 'error',
      from: { path: `^${escape(from)}/src/`, pathNot: isTest },
      to: { path: '^(packages|tools)/', pathNot: [from, ...allowed].map((path) => `^${escape(path)}/`) },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node'] },
  },
};
