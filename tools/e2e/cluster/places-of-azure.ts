// The addresses of the simulated Azure of a real cluster, in a network of its own on the cluster's bridge.
import * as names from '../../stage/names.ts';

const host = '10.40.0.100';
const vault = '10.40.0.101';
const entra = '10.40.0.102';
const arm = '10.40.0.103';
const armPort = 8010;

export const azureAddresses = { host, vault, entra, arm } as const;
export const publicUrls = {
  entra: 'https://login.microsoftonline.com',
  // By the relay on each node: MIC sends tokens over https, or to its own machine.
  arm: `http://127.0.0.1:${armPort}`,
  vault: (name: string): string => `https://${name}.vault.azure.net`,
};
export const addressesByName = {
  [`${names.vault}.vault.azure.net`]: vault,
  'login.microsoftonline.com': entra,
} as const;

export const reportsPort = 9000;
export const reportsUrl = `http://${host}:${reportsPort}`;
/** Of the metadata service of a machine, for the relay on its node. */
export const metadataPort = (node: number): number => 8000 + node;
export const armRelay = { at: { host: '127.0.0.1', port: armPort }, to: `http://${arm}` } as const;
export const metadataUrl = (node: number): string => `http://${host}:${metadataPort(node)}`;
