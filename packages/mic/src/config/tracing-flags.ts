import { tracingFlags as flags } from '@pod-identity/kit/core';
import type { MicFlag } from './mic-flag.ts';

export const tracingFlags: readonly MicFlag[] = flags.map((spec) => ({ ...spec, fate: 'new' }));
