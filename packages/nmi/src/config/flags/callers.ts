import { added, type NmiFlag } from './flag.ts';

/** Who calls, and how often. */
export const callersFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'pod-check',
      kind: 'string',
      default: 'live',
      choices: ['live', 'strict', 'off'],
      help: 'Whether the API server must confirm that a pod still has its address before it gets a token. live: yes, except while the API server does not respond, limited by --pod-check-outage. strict: always. off: never; the watch is enough.',
    },
    'an address can belong to another pod before the watch delivers the change',
  ),
  added(
    {
      name: 'pod-check-age',
      kind: 'duration',
      default: 1_000,
      min: 0,
      max: 60_000,
      help: 'How long a confirmation is valid for new connections. For its own connection it is valid until the connection is closed.',
    },
    'see --pod-check',
  ),
  added(
    {
      name: 'pod-check-outage',
      kind: 'duration',
      default: 900_000,
      min: 0,
      help: 'With --pod-check live: how long after the last response of the API server NMI serves pods from its cache while the server does not respond. A response such as 429 or 503 is not an outage. With any --pod-check: how long bindings, identities and exceptions are valid after the API server last reported them, at least one minute; after that no pod gets a token.',
    },
    'an address can change hands while the API server does not respond',
  ),
  added(
    {
      name: 'pod-requests-per-second',
      kind: 'integer',
      min: 0,
      default: 100,
      help: 'Average requests a second for one pod, with a burst of five times as many. All pods of a namespace together get the limit of ten pods. Requests over the limit wait. 0: no limit.',
    },
    'one pod must not exhaust NMI for other pods',
  ),
  added(
    {
      name: 'pod-waiting',
      kind: 'integer',
      min: 1,
      default: 512,
      help: 'Requests of one pod that may wait for a token at the same time.',
    },
    'one pod must not exhaust NMI for other pods',
  ),
];
