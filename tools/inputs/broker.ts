// What the broker reads of others.
import type { InputEntry } from './entry.ts';

const fairness = 'packages/nmi/src/broker-service/fairness.test.ts';
const extra = 'TokenReview.status.user.extra.authentication.kubernetes.io';

export const brokerEntries: readonly InputEntry[] = [
  {
    input: 'requests to the broker',
    readBy: 'NMI',
    reads: [],
    writer: 'an NMI, or whoever has its node; before the token is read, any pod that reaches the broker',
    largest: '4 KiB, and headers of 4 KiB',
    howMany:
      '50 a second of an address, of which a new connection counts as 25; 64 connections of an address, and 1,024 in all',
    cost: 'a handshake, which takes a millisecond; a review of the token once a minute; for each request two reads of pods and, every 15 s, a review of the right',
    charged: 'the address, then the NMI, then the namespace of the pod and there the node',
    othersLose:
      'nothing; an NMI that the broker has not seen since its start waits for its turn among all addresses',
    tests: {
      [fairness]: [
        'attack: a node that requests tokens for pods that do not exist delays no other',
        'attack: forged tokens from many addresses take turns from no NMI that was seen before',
        'attack: of forged tokens from many addresses only as many wait, in memory, as can get a turn',
        'attack: the token of a stolen node makes one address at a time that of an NMI',
        'attack: identities without end of one namespace delay no other, and leave turns to its other nodes',
      ],
      'packages/nmi/src/broker-service/server.test.ts': [
        'attack: of a token longer than those of NMI nothing is kept while it waits for its review',
        'attack: handshakes that never end, of many addresses, keep nobody from a response',
        'attack: handshakes without end, which cost a millisecond each, leave an address ten at once, and NMIs theirs',
      ],
    },
  },
  {
    input: 'pods and reviews of tokens, by the broker',
    readBy: 'NMI',
    reads: [
      'Broker:Pod.metadata.uid',
      'Broker:Pod.spec.nodeName',
      'Broker:Pod.spec.serviceAccountName',
      'Broker:Pod.status.phase',
      'TokenReview.status.authenticated',
      'TokenReview.status.audiences',
      'TokenReview.status.user.username',
      `${extra}/pod-name`,
      `${extra}/pod-uid`,
    ],
    writer: 'the API server; the status of a pod: the kubelet of its node',
    howMany:
      'two pods for a request, 200 requests a second, and 100 of busy namespaces; a review of a token each minute',
    cost: 'one request to the API server each',
    charged: 'the NMI, by its pod; the namespace, which has turns of its own when it is busy',
    othersLose: 'nothing',
    tests: {
      'packages/nmi/src/broker-service/broker.property.test.ts': [
        'no pod gets a token of an identity to which it had no right, or for another pod or NMI, whatever happens',
      ],
      [fairness]: [
        'attack: a node that requests tokens for pods of one namespace leaves turns to those of others',
        'attack: a namespace with pods on a thousand nodes delays no other by a second',
      ],
    },
  },
];
