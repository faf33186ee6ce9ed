// The only door to @kubernetes/client-node. Naming the one class that is needed lets bundlers leave out the other 12 MB,
// which a dynamic import of the whole package would carry along.
export { KubeConfig } from '@kubernetes/client-node';
