import type { Clock } from '../core/clock.ts';
export const systemClock: Clock = { now: () => { throw new Error('soon'); }, sleep: () => { throw new Error('soon'); }, after: () => { throw new Error('soon'); } };
