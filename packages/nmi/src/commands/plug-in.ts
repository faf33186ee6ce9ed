// What the kubectl plug-in uses of NMI and its broker: their configuration, their rules and their explanations.
export { readConfig as readNmiConfig, type NmiConfig } from '../config/config.ts';
export type { Explanation as NmiExplanation } from '../explain/explain.ts';
export { responseFinding } from '../explain/explanation-lines.ts';
export { readExplanation as readNmiExplanation } from './explain.ts';
export { nmiFlags } from '../config/flags.ts';
