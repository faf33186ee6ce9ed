// The rooms: folders with a purpose. ESLint and dependency-cruiser take their rules from this list (through room-patterns.mjs), and
// a test finds a room whose head file lacks its two lines.

/**
 * @typedef {object} Room
 * @property {string} folder
 * @property {string} [head] The file that begins with the two lines on the room, without `.ts`. Default: the file with the
 *   folder's name, else index.ts, else main.ts.
 * @property {'all' | readonly string[] | { readonly except: readonly string[] }} [pure] Which files do no I/O and read no clock,
 *   chance or environment: relative to the folder, without `.ts`. Default: none.
 * @property {readonly string[]} [never] Folders from which the room must not import, not even a type.
 */

const apiServer = 'packages/kit/src/kube';
const ownProcess = 'packages/kit/src/serve';
const mic = (/** @type {string} */ room) => `packages/mic/src/${room}`;
const nmi = (/** @type {string} */ room) => `packages/nmi/src/${room}`;
const kubectl = (/** @type {string} */ room) => `packages/kubectl/src/${room}`;

/** @type {readonly Room[]} */
export const rooms = [
  { folder: 'packages/crd-types/src', pure: 'all' },
  { folder: 'packages/crd-types/src/parsing', head: 'canonical', pure: 'all' },
  { folder: 'packages/crd-types/src/ids', head: 'resource-id', pure: 'all' },
  { folder: 'packages/crd-types/src/objects', head: 'azure-identity', pure: 'all' },
  { folder: 'packages/crd-types/src/matching', head: 'match', pure: 'all' },
  { folder: 'packages/crd-types/src/access', pure: 'all' },
  {
    folder: 'packages/imds-client/src',
    pure: [
      'endpoint',
      'errors',
      'failure',
      'http-response',
      'parts',
      'refusal',
      'request',
      'response',
      'retry',
      'single-flight',
      'text',
      'token-cache',
      'types',
      'version',
    ],
  },
  {
    folder: 'packages/imds-client/src/command',
    head: 'run',
    pure: ['advice', 'report'],
  },
  {
    folder: 'packages/keyvault-sample/src',
    pure: ['config', 'entry', 'explain', 'identity', 'page'],
  },

  { folder: 'packages/policy/src', pure: 'all' },

  { folder: 'packages/kubectl/src', head: 'commands' },
  { folder: kubectl('cli'), head: 'command' },
  { folder: kubectl('cluster'), head: 'connect', pure: ['fields', 'credential'], never: [kubectl('print')] },
  {
    folder: kubectl('migrate'),
    head: 'plan',
    pure: {
      except: ['migrate', 'read-facts'],
    },
  },
  { folder: kubectl('print'), head: 'table' },
  { folder: kubectl('judge') },
  { folder: kubectl('status') },
  { folder: kubectl('logs') },
  { folder: kubectl('explain') },
  { folder: kubectl('access') },
  { folder: kubectl('rights'), head: 'modes' },
  { folder: kubectl('doctor') },
  { folder: kubectl('ui'), head: 'ui' },
  { folder: kubectl('ui/page'), head: 'main', pure: ['document', 'text'] },

  { folder: 'packages/kit/src/core', pure: 'all' },
  { folder: ownProcess, never: [apiServer] },
  { folder: apiServer, pure: ['errors', 'kinds', 'object', 'store'] },
  { folder: 'packages/kit/src/testing' },

  { folder: 'packages/mic/src' },
  { folder: mic('commands'), head: 'command' },
  { folder: mic('config'), pure: 'all' },
  { folder: mic('term'), head: 'controller', never: [mic('azure')] },
  {
    folder: mic('access'),
    head: 'pair-registry',
    pure: ['pair-registry', 'due-times', 'pair-verdict'],
    never: [mic('snapshot'), mic('plan'), mic('azure')],
  },
  {
    folder: mic('snapshot'),
    head: 'views',
    pure: {
      except: [
        'watch/cluster-watch',
        'watch/agent-watch',
        'watch/namespace-source',
        'watch/pod-source',
        'watch/pod-feed',
        'watch/whole-namespaces',
      ],
    },
  },
  { folder: mic('snapshot/facts'), never: [mic('snapshot/watch')] },
  { folder: mic('snapshot/index'), head: 'cluster-index', never: [mic('snapshot/watch')] },
  { folder: mic('snapshot/watch'), head: 'cluster-watch' },
  {
    folder: mic('plan'),
    pure: 'all',
    never: [apiServer, ownProcess, mic('apply'), mic('azure'), mic('tell')],
  },
  {
    folder: mic('apply'),
    head: 'apply-host',
    pure: ['assignment-state', 'assigned-object', 'backlog', 'memory'],
    never: [mic('azure'), mic('tell')],
  },
  { folder: mic('azure'), head: 'connect', never: [apiServer, mic('plan'), mic('term')] },
  { folder: mic('azure/arm'), head: 'arm-client', pure: ['arm-errors'] },
  { folder: mic('azure/cloud'), pure: ['clouds', 'cloud-file', 'cloud'] },
  { folder: mic('azure/credential') },
  { folder: mic('azure/hosts'), head: 'arm-hosts', pure: ['identity-patch', 'isolate'] },
  { folder: mic('compat'), head: 'original' },
  { folder: mic('nodes'), head: 'taints', never: [mic('azure'), mic('tell')] },
  {
    folder: mic('tell'),
    head: 'report',
    pure: { except: ['admin', 'conditions-writer', 'meter'] },
    never: [mic('azure')],
  },

  { folder: 'packages/nmi/src', pure: ['json'] },
  { folder: nmi('commands'), head: 'redirect', never: [nmi('server'), nmi('handle')] },
  { folder: nmi('config'), pure: 'all' },
  { folder: nmi('broker'), head: 'wire', pure: ['wire'], never: [nmi('tokens'), nmi('access')] },
  {
    folder: nmi('broker-service'),
    head: 'broker',
    pure: ['judge'],
    never: [nmi('authorize'), nmi('handle'), nmi('identify'), nmi('tokens/federated')],
  },
  { folder: nmi('server'), never: [nmi('authorize'), nmi('tokens')] },
  { folder: nmi('request'), head: 'token-request', pure: 'all', never: [nmi('authorize'), nmi('tokens')] },
  {
    folder: nmi('identify'),
    head: 'find-caller',
    pure: ['identify-pod', 'judge-caller', 'neighbour'],
    never: [nmi('authorize'), nmi('tokens')],
  },
  {
    folder: nmi('authorize'),
    pure: [
      'types',
      'access-needed',
      'candidates',
      'exception',
      'federated',
      'principal',
      'grace',
      'refusal',
      'missing-right',
      'decide-with-rights',
      'select-identity',
      'bindings-of-selector',
      'authorize',
    ],
    never: [nmi('handle'), nmi('respond')],
  },
  {
    folder: nmi('access'),
    head: 'verdicts',
    pure: ['types', 'judge', 'pair-cache', 'stranger'],
    never: [apiServer, ownProcess, nmi('authorize'), nmi('handle'), nmi('identify'), nmi('tokens')],
  },
  { folder: nmi('waiting'), head: 'turn-queues', never: [apiServer, ownProcess] },
  { folder: nmi('handle'), head: 'token', never: [apiServer, ownProcess, nmi('server')] },
  { folder: nmi('respond'), pure: 'all', never: [apiServer, ownProcess, nmi('identify')] },
  {
    folder: nmi('tokens'),
    head: 'source',
    pure: ['types', 'claims', 'client-id', 'errors', 'age', 'memory'],
    never: [nmi('identify'), nmi('authorize'), nmi('request'), nmi('respond')],
  },
  { folder: nmi('tokens/metadata'), head: 'metadata-service' },
  {
    folder: nmi('tokens/principal'),
    head: 'principal-source',
    pure: ['secret-keys', 'certificate', 'entra-errors', 'reading-budgets'],
  },
  { folder: nmi('tokens/federated'), head: 'federated-source' },
  {
    folder: nmi('broker/roster'),
    pure: ['entry', 'next-data'],
    never: [nmi('authorize'), nmi('handle'), nmi('identify'), nmi('tokens')],
  },
  { folder: nmi('ready'), head: 'readiness', never: [nmi('tokens')] },
  {
    folder: nmi('redirect'),
    head: 'installer',
    pure: ['target', 'nftables-rules', 'route-rules', 'pin-rules', 'boot-guard'],
    never: [apiServer, nmi('identify'), nmi('tokens')],
  },
  {
    folder: nmi('tell'),
    head: 'telemetry',
    pure: ['metrics', 'event-reason'],
    never: [nmi('handle'), nmi('server')],
  },
  { folder: nmi('explain'), pure: 'all', never: [nmi('tokens')] },

  { folder: 'tools/sim/src' },
  {
    folder: 'tools/images',
    head: 'recipes',
    pure: ['recipes', 'tar', 'elf', 'oci'],
  },
  { folder: 'tools/chaos', head: 'main', pure: ['recovery', 'report'] },
  { folder: 'tools/chaos/plan', pure: 'all' },
  { folder: 'tools/chaos/judge', pure: 'all' },
];
