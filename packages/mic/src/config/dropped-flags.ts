import { klogFlags } from '@pod-identity/kit/core';
import type { MicFlag } from './mic-flag.ts';

export const klogNote = 'klog is gone: lines go to standard error';

const gone = (name: string, kind: MicFlag['kind'], note: string): MicFlag => ({
  name,
  kind,
  default: undefined,
  fate: 'dropped',
  help: 'Accepted without effect.',
  note,
});

/** Accepted, so that manifests and charts of the original start our MIC; each is logged as being without effect. */
export const droppedFlags: readonly MicFlag[] = [
  gone(
    'update-user-msi-max-retry',
    'integer',
    'rejected identities are named from the answer or found by halving the list, in the same pass',
  ),
  gone('update-user-msi-retry-interval', 'duration', 'as above: nothing waits for a retry'),
  gone('enableScaleFeatures', 'boolean', 'deprecated in the original: what it switched on is always on'),
  gone(
    'enableProfile',
    'boolean',
    'Go profiles have no meaning here; `node --cpu-prof` and the event-loop metrics do that',
  ),
  ...klogFlags.map((flag): MicFlag => ({ ...flag, fate: 'dropped', note: klogNote })),
];
