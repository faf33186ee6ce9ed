import { added, type NmiFlag } from './flag.ts';

/** Who calls, and how often. */
export const callersFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'pod-check',
      kind: 'string',
      default: 'live',
      choices: ['live', 'strict', 'off'],
      help: 'Whether the API server must confirm that a pod still has its address before it gets a token. live: unless the API server is away, for as long as --pod-check-outage says. strict: always. off: what was watched is enough.',
    },
    'an address can belong to another pod before the watch tells',
  ),
  added(
    {
      name: 'pod-check-age',
      kind: 'duration',
      default: 1_000,
      min: 0,
      max: 60_000,
      help: 'How long such a confirmation holds for new connections. For the connection that it was made for it holds until that ends.',
    },
    'see --pod-check',
  ),
  added(
    {
      name: 'pod-check-outage',
      kind: 'duration',
      default: 900_000,
      min: 0,
      help: 'With --pod-check live: how long after the last answer of the API server pods are served by what was watched before, while nothing comes back from it. An answer such as 429 or 503 is no outage. With any --pod-check: how long bindings, identities and exceptions count after the API server last reported them, a minute at least; then nobody gets a token.',
    },
    'an address can change hands while the API server cannot be asked',
  ),
  added(
    {
      name: 'pod-requests-per-second',
      kind: 'integer',
      min: 0,
      default: 100,
      help: 'Requests of one pod that are answered in a second, on average; five times as many at once. The pods of a namespace together: as many as ten pods. What is more has to wait. 0: as many as come.',
    },
    'one pod must not use up the agent of the others',
  ),
  added(
    {
      name: 'pod-waiting',
      kind: 'integer',
      min: 1,
      default: 512,
      help: 'Callers of one pod that may wait for a token at a time.',
    },
    'one pod must not use up the agent of the others',
  ),
];
