import { klogFlags, klogNote } from '@pod-identity/kit/core';
import type { MicFlag } from './mic-flag.ts';

const gone = (name: string, kind: MicFlag['kind'], note: string): MicFlag => ({
  name,
  kind,
  default: undefined,
  fate: 'dropped',
  help: 'Accepted without effect.',
  note,
});

/** Accepted, so that manifests and charts of the original work; each is logged as having no effect. */
export const droppedFlags: readonly MicFlag[] = [
  gone(
    'update-user-msi-max-retry',
    'integer',
    'rejected identities are read from the response or found by bisecting the list, in the same pass',
  ),
  gone('update-user-msi-retry-interval', 'duration', 'as above: nothing waits for a retry'),
  gone('enableScaleFeatures', 'boolean', 'deprecated in the original; the features are always on'),
  gone(
    'enableProfile',
    'boolean',
    'Go profiles do not exist here; use `node --cpu-prof` and the event-loop metrics',
  ),
  ...klogFlags.map((flag): MicFlag => ({ ...flag, fate: 'dropped', note: klogNote })),
];
