import type { FlagSpec } from '@pod-identity/kit/core';
import { callersFlags } from './flags/callers.ts';
import type { NmiFlag } from './flags/flag.ts';
import { loggingFlags } from './flags/logging.ts';
import { placeFlags } from './flags/place.ts';
import { redirectFlags } from './flags/redirect.ts';
import { rulesFlags } from './flags/rules.ts';
import { tellingFlags } from './flags/telling.ts';
import { tokensFlags } from './flags/tokens.ts';
import { waitingFlags } from './flags/waiting.ts';

/** Every flag, those of the original included: its manifests start this program unchanged. */
export const flags: readonly NmiFlag[] = [
  ...placeFlags,
  ...rulesFlags,
  ...callersFlags,
  ...waitingFlags,
  ...tokensFlags,
  ...redirectFlags,
  ...tellingFlags,
  ...loggingFlags,
];

export const flagSpecs: readonly FlagSpec[] = flags.map(({ spec }) => spec);
