/** `full`: the size of the figures in the documentation. `smoke`: the smallest size that produces every figure, for CI. */
export type Scale = 'full' | 'smoke';
