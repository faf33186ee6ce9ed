// What Azure and the machine say, and what administrators set.
import type { InputEntry } from './entry.ts';

const broken = 'packages/nmi/test/broken-upstreams.test.ts';

export const otherEntries: readonly InputEntry[] = [
  {
    input: 'responses of the metadata service and of Entra',
    readBy: 'MIC and NMI',
    reads: [],
    writer: 'Azure, or a program in its place on the network of the node',
    largest: '64 KiB of the metadata service, 256 KiB of Entra, 1 MiB of the machine’s data',
    howMany: 'five requests at a time to the metadata service, in turns',
    cost: 'a place until the deadline; the token in memory',
    charged: 'the pod that asked',
    othersLose: 'their turn, until the deadline',
    tests: {
      [broken]: [
        'as metadata service gives no token, and all places back',
        'as login endpoint gives no token, and the place back',
      ],
    },
  },
  {
    input: 'responses of Azure Resource Manager',
    readBy: 'MIC',
    reads: [],
    writer: 'Azure; text of the request (ids that editors write) comes back in refusals',
    largest: '4 MiB',
    howMany: 'one PATCH for a host at a time',
    cost: 'the host’s record',
    charged: 'the namespace whose id is refused',
    othersLose: 'one attempt of the host',
    tests: {
      'packages/mic/test/broken-arm.test.ts': [
        'makes requests fail and frees every connection; the next response is read',
      ],
    },
  },
  {
    input: 'control groups and neighbour table of the kernel',
    readBy: 'NMI',
    reads: [],
    writer: 'the container runtime; a pod by its own processes and by what it sends on its link',
    largest: '256 KiB of the table; two containers of a pod, and of NMI’s own',
    howMany: 'ten reads of the table a second; one look at the containers for each connection',
    cost: 'one read for all that wait',
    charged: 'the address',
    othersLose: 'nothing',
    tests: {
      'packages/nmi/src/identify/neighbour.test.ts': ['is read ten times a second at most, …'],
      'packages/nmi/src/identify/find-caller.test.ts': [
        'is changed without end by somebody on the link: a pod is served, and questions stay few',
      ],
    },
  },
  {
    input: 'sockets, routes and firewall of the node',
    readBy: 'NMI',
    reads: [],
    writer:
      'programs of the node and pods with host network; of tracked connections: any pod, before the redirect is there',
    largest: '1 MiB of a table of sockets, 64 MiB of what a program prints',
    howMany: 'at the start and in every check of the redirect',
    cost: 'a process, and its output in memory',
    charged: 'nobody',
    othersLose: 'nothing by other sockets, routes or rules: NMI is not ready, or writes its own again',
    tests: {
      'packages/nmi/src/server/port/listeners.test.ts': [
        'a program of another uid, on our address or on all',
      ],
      'packages/nmi/src/redirect/route-guard.test.ts': [
        'adds again what somebody took away, and nothing else',
      ],
      'packages/nmi/src/redirect/run-program.test.ts': [
        'reads nothing of what a program prints where nobody needs it, however much that is',
      ],
    },
  },
  {
    input: 'flags, environment, azure.json, kubeconfig',
    readBy: 'MIC and NMI',
    reads: [],
    writer: 'administrators',
    largest: 'what the system allows',
    howMany: 'once, at the start',
    cost: 'the start',
    charged: 'nobody: trusted',
    othersLose: 'everything: who sets flags decides',
    tests: {
      'packages/kit/src/core/flags.test.ts': ['all problems are returned at once, with the accepted values'],
    },
  },
];
