// What the kubectl plug-in uses of MIC: its configuration, its view of a cluster and its explanations.
export { readMicConfig, type MicConfig } from '../config/config.ts';
export { memberOf, stringAt } from '../snapshot/raw-object.ts';
