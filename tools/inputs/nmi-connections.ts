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
    howMany: '64 for an address; NMI: 4,096 in all, the broker: 1,024, admin ports: 128',
    cost: 'a socket; 4 unanswered requests, whose responses may stay unread for 30 s',
    charged: 'the address, but no address of the process’s own',
    othersLose: `${nothing}: the address with most loses a connection`,
    tests: {
      [hostileConnections]: [
        '$name of a hundred pods leave the server alive within its heap, and another pod served',
      ],
      [limits]: [
        'has its connection closed with the fifth unanswered request, and those that wait are told',
        'is refused with 429 and the time to wait, while another one’s requests are answered as they come',
      ],
      'packages/kit/test/guard-attack.test.ts': [
        'attack: a pod keeps connections without end: it has 64, and others are served',
        'attack: a pod with many addresses fills the table of addresses: connected ones keep their count',
      ],
      'packages/kit/test/admin-attack.test.ts': [
        'attack: 128 connections with half-sent requests of one address keep no scraper from its answer',
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
