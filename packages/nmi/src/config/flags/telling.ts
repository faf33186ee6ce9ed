import { added, type NmiFlag } from './flag.ts';

/** What is written down. */
export const tellingFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'audit',
      kind: 'boolean',
      default: true,
      help: 'Log a line for each token issued: pod, identity, resource. Never the token.',
    },
    'records which pod used which identity',
  ),
  added(
    {
      name: 'events',
      kind: 'boolean',
      default: true,
      help: 'Create an Event on a pod that is refused a token, at a limited rate.',
    },
    'owners of pods see the reason in kubectl describe pod',
  ),
];
