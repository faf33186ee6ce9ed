import { added, type NmiFlag } from './flag.ts';

/** What is written down. */
export const tellingFlags: readonly NmiFlag[] = [
  added(
    {
      name: 'audit',
      kind: 'boolean',
      default: true,
      help: 'Write a line for each token issued: who, which identity, which resource. Never the token.',
    },
    'who acted as whom is asked afterwards',
  ),
  added(
    {
      name: 'events',
      kind: 'boolean',
      default: true,
      help: 'Write an Event on a pod that is refused a token, at a limited rate.',
    },
    'the pod is where its owner looks',
  ),
];
