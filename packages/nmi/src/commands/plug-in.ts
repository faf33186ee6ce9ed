// What the kubectl plug-in uses of NMI and its broker: their configuration, their rules and their explanations.
export { readConfig as readNmiConfig, type NmiConfig } from '../config/config.ts';
