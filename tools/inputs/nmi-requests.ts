// What a pod, or a program on the node, sends to NMI.
import type { InputEntry } from './entry.ts';

const pod = 'pod';
const nothing = 'nothing';
const parameters = (names: string) => names.split(' ').map((name) => `parameter ${name}`);
const selectors =
  'client_id object_id msi_res_id mi_res_id msi-res-id clientid principalid objectid resourceid miresid msiresid';
const atBound = 'packages/nmi/test/inputs.test.ts';
const sharedApplication = 'packages/nmi/src/tokens/shared-application.test.ts';
const routesFuzz = 'packages/nmi/test/fuzz/routes.fuzz.test.ts';

export const requestEntries: readonly InputEntry[] = [
  {
    input: 'method and path',
    readBy: 'NMI',
    reads: [],
    writer: pod,
    largest: '8 KiB of printable ASCII, as a path or an absolute URL',
    howMany: 'one for a request',
    cost: 'one pass over the text',
    charged: 'the address',
    othersLose: nothing,
    tests: { [routesFuzz]: ['none is sent on that may mean an identity'] },
  },
  {
    input: 'headers',
    readBy: 'NMI',
    reads: ['header metadata', 'header x-forwarded-for', 'header host'],
    writer: `${pod}; a web page or a proxy that is led to NMI`,
    largest: 'within the 16 KiB of a head',
    howMany: 'one of each; a repeated Metadata or X-Forwarded-For is refused',
    cost: 'a comparison; the last accepted Host is kept',
    charged: 'the address',
    othersLose: nothing,
    tests: {
      'packages/nmi/src/request/headers.test.ts': ['never names a domain that nobody allowed'],
      [atBound]: [
        'the header %s of 15,000 characters from one namespace: another one gets its token as before',
      ],
    },
  },
  {
    input: 'body of a request',
    readBy: 'NMI',
    reads: ['header content-length', 'header transfer-encoding'],
    writer: pod,
    largest: '16 KiB, of which nothing is read; a larger or an endless one closes its connection',
    howMany: 'one for a request',
    cost: 'nothing is kept',
    charged: 'the connection',
    othersLose: nothing,
    tests: {
      'packages/nmi/src/server/server.test.ts': [
        'W-S12: one caller has so many connections and no more; others have theirs',
      ],
      [atBound]: [
        'the header %s of 15,000 characters from one namespace: another one gets its token as before',
      ],
    },
  },
  {
    input: 'name of a pod, at /host/token',
    readBy: 'NMI',
    reads: ['header podname', 'header podns'],
    writer:
      'a program on the loopback address of the node, or the kubelet for whoever may create Pods (a probe with `host`); off by default',
    largest: 'within the 16 KiB of a head',
    howMany: 'one of each',
    cost: 'a lookup by name; at most one request to the API server a second',
    charged: 'the pod that is named',
    othersLose: nothing,
    tests: { 'packages/nmi/src/handle/token.test.ts': ['W-S7 from a pod'] },
  },
  {
    input: 'resource',
    readBy: 'NMI',
    reads: ['parameter resource'],
    writer: pod,
    largest: '2,048 characters',
    howMany: 'any number of different ones',
    cost: 'a request to the metadata service or Entra, a token in memory (one of 2,000 places for each 4,096 characters), a line of the audit, then counts',
    charged: 'pod and namespace: turns, 5 requests of a pod at once, quota of an application, memory, lines',
    othersLose: `${nothing} but their turn: at most three of five places are one namespace's; of an application as at bypass_cache`,
    tests: {
      'packages/nmi/src/tokens/shared-requests.test.ts': [
        'attack: a question whose only place in a full queue is given to a pod of namespace %s that joined it is asked for both',
      ],
      'packages/nmi/src/handle/noisy-neighbours.test.ts': [
        '$name of a hundred pods delay another namespace by two turns at most',
      ],
      'packages/nmi/src/tokens/source.test.ts': [
        'keeps the tokens of other namespaces when one asks for very many',
        'is remembered, whatever resource is asked for: distinct resources make no questions',
      ],
      [atBound]: [
        'the parameter %s of 2,048 characters from one namespace: another one gets its token as before',
      ],
    },
  },
  {
    input: 'identity that a request names; other spellings and names of other services are refused',
    readBy: 'NMI',
    reads: parameters(selectors),
    writer: pod,
    largest: '2,048 characters',
    howMany: 'one for a request',
    cost: 'a comparison with the identities of the pod, at most 100 of a namespace',
    charged: 'the pod',
    othersLose: nothing,
    tests: {
      'packages/nmi/src/handle/grant.test.ts': [
        'attack: an identity %s that another namespace binds to the label takes it from no pod',
      ],
      'packages/nmi/src/authorize/authorize.property.test.ts': [
        'never grants an identity that no binding of the label leads to, in no mode and by no selector',
      ],
      [atBound]: [
        'the parameter %s of 2,048 characters from one namespace: another one gets its token as before',
      ],
    },
  },
  {
    input: 'other parameters of a request for a token',
    readBy: 'NMI',
    reads: [],
    writer: pod,
    largest: 'within 8 KiB; a value of 2,048 characters',
    howMany: 'any number; a repeated one is refused',
    cost: 'a name in a set for the time of a pass; 64 characters of a refused one in the response',
    charged: 'the address',
    othersLose: nothing,
    tests: {
      'packages/nmi/src/request/token-request.test.ts': [
        'takes a value of 2,048 characters and refuses a longer one, by a name of at most 64 characters',
      ],
    },
  },
  {
    input: 'bypass_cache, and what means the same',
    readBy: 'NMI',
    reads: ['parameter bypass_cache', 'parameter token_sha256_to_refresh'],
    writer: pod,
    largest: '2,048 characters, of which nothing is kept',
    howMany: 'one for a request',
    cost: 'a request to the metadata service; to Entra one in 5 s for an application and resource',
    charged: 'pod and namespace, like a first token',
    othersLose: `${nothing}, unless Entra throttles an application at a request a second from each node with pods of the namespace`,
    tests: {
      [sharedApplication]: ['attack: one pod leaves half of the quota of its namespace to the other pods'],
      'packages/nmi/src/tokens/shared-identity.test.ts': [
        'attack: what waits when an application is told to ask later is not asked, unless another namespace wants it too',
        'attack: 30 pods that want no token from memory, at a service that throttles: another namespace always has a fresh one',
        'whatever a namespace does, another one gets fresh tokens unless a question failed that it asked or waited for itself',
      ],
      [atBound]: [
        'the parameter %s of 2,048 characters from one namespace: another one gets its token as before',
      ],
    },
  },
  {
    input: 'path and query of the machine’s data',
    readBy: 'NMI',
    reads: [],
    writer: pod,
    largest: '8 KiB, of an allow-list of characters',
    howMany: 'any number',
    cost: 'a request to the metadata service, 1 MiB of response',
    charged: 'pod and namespace: turns',
    othersLose: 'their turn: one of two places is one namespace’s',
    tests: {
      'packages/nmi/src/tokens/metadata/pace.test.ts': [
        'attack: the reads of one namespace, none of which is answered, leave a place for another one at once',
      ],
      'packages/nmi/src/request/instance-metadata.test.ts': [
        'is taken out of the answer about all of the machine',
      ],
      [routesFuzz]: ['none is sent on that may mean an identity'],
    },
  },
];
