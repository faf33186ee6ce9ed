// What `npm run e2e -- --kubeconfig FILE` passes to the scenario: by the environment, as vitest takes no arguments of a test.
export interface Given {
  readonly kubeconfig: string;
  /** The registry, and the path in it, of mic:VERSION and nmi:VERSION. */
  readonly images: string;
  /** Two managed identities that the cluster's MIC may attach to its machines. */
  readonly identities: readonly [GivenIdentity, GivenIdentity];
}
export interface GivenIdentity {
  readonly id: string;
  readonly clientId: string;
}

const variable = 'POD_IDENTITY_E2E_CLUSTER';

export const environmentOf = (given: Given): Readonly<Record<string, string>> => ({
  [variable]: JSON.stringify(given),
});

export function readGiven(env: NodeJS.ProcessEnv): Given {
  const text = env[variable];
  if (text === undefined) throw new Error('run it with npm run e2e -- --kubeconfig FILE');
  return JSON.parse(text) as Given;
}

interface Values {
  readonly kubeconfig?: string | undefined;
  readonly images?: string | undefined;
  readonly identity?: readonly string[] | undefined;
}

const identityForm = /^(?<id>\/subscriptions\/.+),(?<clientId>[^,]+)$/i;

function parseIdentity(text = ''): GivenIdentity | undefined {
  const { id, clientId } = identityForm.exec(text)?.groups ?? {};
  return id === undefined || clientId === undefined ? undefined : { id, clientId };
}

/** A sentence for each problem of the arguments. */
export function parseGiven(values: Values): Given | { readonly problems: readonly string[] } {
  const { kubeconfig, images, identity = [] } = values;
  const [first, second] = identity.map(parseIdentity);
  const problems: string[] = [];
  if (kubeconfig === undefined) problems.push('--kubeconfig FILE names the cluster');
  if (images === undefined) problems.push('--images REGISTRY/PATH says where the images mic and nmi are');
  if (first === undefined || second === undefined)
    problems.push(
      '--identity RESOURCE-ID,CLIENT-ID, twice: managed identities that MIC may attach to the machines',
    );
  return kubeconfig && images && first && second
    ? { kubeconfig, images, identities: [first, second] }
    : { problems };
}
