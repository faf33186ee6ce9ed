import type { CanaryReason } from '../../packages/nmi/src/canary/verdict.ts';

/** Of docs/reference/reasons.md. */
export const canaryMeanings: Readonly<Record<CanaryReason, string>> = {
  'no-answer': 'Nothing answers at the metadata address: calls are dropped.',
  refused: 'Calls to the metadata address are refused: NMI does not run, or something rejects them.',
  'other-server':
    'Another server answers, such as the metadata service of the machine: calls of pods get past NMI.',
  'not-accepted': 'NMI answers, but with an error: an earlier version of NMI, or a proxy in between.',
  'not-fresh': 'The answer does not repeat the challenge of the question.',
  'other-node': 'NMI of another node answers.',
  'other-address': 'NMI sees the pod under another address than its own.',
};
