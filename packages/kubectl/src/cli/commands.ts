import type { PlugInCommand } from './command.ts';

/** In the order of `--help`. */
export const commands: readonly PlugInCommand[] = [];
