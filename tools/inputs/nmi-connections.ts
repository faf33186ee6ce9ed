// What NMI learns of a caller from its connection.
import type { InputEntry } from './entry.ts';

const pod = 'pod';
const nothing = 'nothing';
const limits = 'packages/nmi/test/limits.test.ts';
const hostileConnections = 'packages/kit/test/hostile-connections.test.ts';

export const connectionEntries: readonly InputEntry[] = [
  {
    input: 'connections and packets',
    readBy: 'MIC and NMI',
    reads: [],
    writer: `${pod}; on the admin ports whoever reaches the node`,
    largest: '16 KiB and 30 headers for the head of a request, 5 s for it and 10 s for all of it',
    howMany: 'NMI: 1,024 for a caller, 2,048 for a namespace, 4,096; admin ports: 128',
    cost: 'a socket; 4 unanswered requests; 2 MiB of unread responses for a caller, 16 MiB for all',
    charged: 'the address and its namespace',
    othersLose: `${nothing}: the caller or namespace with most loses its own; on the admin ports the one that is idle longest`,
    tests: {
      [hostileConnections]: [
        '$name of a hundred pods leave the server alive within its heap, and another pod served',
      ],
      [limits]: ['has its connection closed with the fifth unanswered request, and those that wait are told'],
      'packages/kit/test/admin-attack.test.ts': [
        'attack: few connections with half-sent requests of one caller are kept, and another caller is served',
      ],
    },
  },
  {
    input: 'source address',
    readBy: 'NMI',
    reads: [],
    writer: 'the network of the node; a pod where its network lets it send from any address',
    largest: '16 bytes',
    howMany: 'one for a connection',
    cost: 'a lookup in the pods of the node; for an unknown one five requests to the API server, then one a second',
    charged: 'the address',
    othersLose: `${nothing} where the network checks source addresses; see [kinds of networks](../administrator/security.md#kinds-of-networks-and-the-kernels-entry)`,
    tests: {
      'packages/nmi/src/identify/find-caller.property.test.ts': [
        'whoever is at the other end of a connection is taken for nobody else',
      ],
    },
  },
];
