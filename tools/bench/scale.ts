/** `full`: what the figures in the documentation were measured with. `smoke`: the least that produces every figure, for CI. */
export type Scale = 'full' | 'smoke';
