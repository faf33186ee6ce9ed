// The API servers that a scenario is played against: the simulated one, and the real ones of the Kubernetes kit.
import { startApiServer } from '@pod-identity/kit/testing';

export interface ServerUnderTest {
  readonly options: { readonly kubeconfig?: string };
  stop(): Promise<void>;
}

export interface ServerChoice {
  readonly name: string;
  start(): Promise<ServerUnderTest>;
}

const simulated: ServerChoice = {
  name: 'the simulated API server',
  start: () => Promise.resolve({ options: {}, stop: () => Promise.resolve() }),
};

const real = (flavour: 'v1.20' | 'v1.36'): ServerChoice => ({
  name: `the real API server ${flavour}`,
  start: async () => {
    const server = await startApiServer({ flavour });
    if ('skipped' in server) throw new Error(server.skipped);
    return { options: { kubeconfig: server.kubeconfig }, stop: () => server.stop() };
  },
});

export const servers: readonly ServerChoice[] = [simulated, real('v1.20'), real('v1.36')];
