// What the kubectl plug-in uses of NMI and its broker: their configuration and the pure explanation of a pod over plain lists.
export { hasAnyOf, mayHaveExceptions } from '../authorize/exception.ts';
export { readException } from '../authorize/read-exception.ts';
export type { FoundException } from '../authorize/types.ts';
export { unusable } from '../authorize/unusable.ts';
export { readConfig as readNmiConfig, type NmiConfig } from '../config/config.ts';
export type { Explanation as NmiExplanation } from '../explain/explain.ts';
export { explainLists, rightsNeeded } from '../explain/explain-lists.ts';
export { responseFinding } from '../explain/expected-response.ts';
export { parsePod, unfinishedOn } from '../identify/pod-view.ts';
