import type { FlagSpec } from '@pod-identity/kit/core';
import { accessFlags } from './flags/access.ts';
import type { NmiFlag } from './flags/flag.ts';
import { loggingFlags } from './flags/logging.ts';
import { placeFlags } from './flags/place.ts';
import { redirectFlags } from './flags/redirect.ts';
import { rulesFlags } from './flags/rules.ts';
import { tracingFlags } from './flags/tracing.ts';
import { requestFlags } from './flags/requests.ts';

/** Every flag, those of the original included: its manifests start this program unchanged. */
export const flags: readonly NmiFlag[] = [
  ...placeFlags,
  ...rulesFlags,
  ...accessFlags,
  ...requestFlags,
  ...redirectFlags,
  ...loggingFlags,
  ...tracingFlags,
];

export const flagSpecs: readonly FlagSpec[] = flags.map(({ spec }) => spec);
