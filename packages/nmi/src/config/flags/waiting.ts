import { added, atLeast0, changed, dropped, type NmiFlag } from './flag.ts';

/** How long callers are held. */
export const waitingFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'hold',
      kind: 'duration',
      default: 25_000,
      min: 0,
      max: 60_000,
      help: 'How long a request waits while its identity is being assigned.',
    },
    'replaces the three retry flags; the wait ends at the assignment, not at the next attempt',
  ),
  added(
    {
      name: 'binding-grace',
      kind: 'duration',
      default: 60_000,
      min: 0,
      max: 600_000,
      help: 'How long after its start a pod with the label aadpodidbinding waits for a missing AzureIdentityBinding or AzureIdentity, as for an assignment. 0 turns this off.',
    },
    'the original waits for every pod, whatever is missing',
  ),
  added(
    {
      name: 'caller-hold',
      kind: 'duration',
      default: 2_000,
      min: 0,
      max: 60_000,
      help: 'How long a request waits if its pod is not known yet.',
    },
    'replaces four attempts of 300 ms',
  ),
  added(
    {
      name: 'not-assigned-status',
      kind: 'string',
      default: '503',
      choices: ['503', '404'],
      help: 'Status when the identity was not assigned in time, unless --compat-errors. Both carry Retry-After.',
    },
    'the original returns 404, or 503 with --set-retry-after-header',
  ),
  changed(
    {
      name: 'set-retry-after-header',
      kind: 'boolean',
      default: false,
      help: 'With --compat-errors: return 503 with Retry-After instead of 404 when the identity was not assigned in time.',
    },
    'without --compat-errors the header is always sent',
  ),
  dropped({ name: 'retry-attempts-for-created', ...atLeast0, default: 16 }, 'see --hold'),
  dropped({ name: 'retry-attempts-for-assigned', ...atLeast0, default: 4 }, 'see --hold'),
  dropped({ name: 'find-identity-retry-interval', ...atLeast0, default: 5 }, 'see --hold'),
];
