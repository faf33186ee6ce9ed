// The API servers of scenarios: the simulated one, and the real ones of the Kubernetes kit.
import { startApiServer, whyNoApiServer } from '@pod-identity/kit/testing';
import { describe } from 'vitest';

export interface ServerUnderTest {
  readonly options: { readonly kubeconfig?: string };
  readonly stop: () => Promise<void>;
}

export interface ServerChoice {
  readonly name: string;
  readonly start: () => Promise<ServerUnderTest>;
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

/** Runs the scenario only on the real servers; without them it is skipped with a reason. */
export function describeRealServers(name: string, scenario: (server: ServerChoice) => void): void {
  const missing = whyNoApiServer();
  if (missing !== undefined)
    console.warn(`skipped, ${name.replace('$name', 'real API servers')}: ${missing}`);
  describe.skipIf(missing !== undefined).each([real('v1.20'), real('v1.36')])(name, scenario);
}

/** Runs the scenario on each server; without real ones only on the simulated one, with a message. */
export function describeServers(name: string, scenario: (server: ServerChoice) => void): void {
  describe.each([simulated])(name, scenario);
  describeRealServers(name, scenario);
}
