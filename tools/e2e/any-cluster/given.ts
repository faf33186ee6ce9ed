// What `bootstrap.mjs e2e --kubeconfig FILE` passes to the scenario: by the environment, as vitest takes no arguments of a test.
export interface Given {
  readonly kubeconfig: string;
  /** The registry, and the path in it, of the images mic and nmi. */
  readonly images: string;
  readonly tag: string;
  /** Two managed identities that the cluster's MIC may attach to its machines. Undefined: what needs Azure is left out. */
  readonly identities?: readonly [GivenIdentity, GivenIdentity];
}
export interface GivenIdentity {
  readonly id: string;
  readonly clientId: string;
}

/** What is installed. */
export const programsOf = ({ identities }: Given): readonly ('mic' | 'nmi')[] =>
  identities ? ['mic', 'nmi'] : ['nmi'];

const variable = 'POD_IDENTITY_E2E_CLUSTER';

export const environmentOf = (given: Given): Readonly<Record<string, string>> => ({
  [variable]: JSON.stringify(given),
});

export function readGiven(env: NodeJS.ProcessEnv): Given {
  const text = env[variable];
  if (text === undefined)
    throw new Error('run it with node tools/workspace/bootstrap.mjs e2e --kubeconfig FILE');
  return JSON.parse(text) as Given;
}

interface Values {
  readonly kubeconfig?: string | undefined;
  readonly images?: string | undefined;
  readonly tag?: string | undefined;
  readonly identity?: readonly string[] | undefined;
}

const identityForm = /^(?<id>\/subscriptions\/.+),(?<clientId>[^,]+)$/i;

function parseIdentity(text: string): GivenIdentity | undefined {
  const { id, clientId } = identityForm.exec(text)?.groups ?? {};
  return id === undefined || clientId === undefined ? undefined : { id, clientId };
}

/** Undefined: none is given. */
function parseIdentities(given: readonly string[]): Given['identities'] | 'not two' {
  const [first, second, ...others] = given.map(parseIdentity);
  if (given.length === 0) return undefined;
  return first && second && others.length === 0 ? [first, second] : 'not two';
}

/** A sentence for each problem of the arguments. */
export function parseGiven(values: Values): Given | { readonly problems: readonly string[] } {
  const { kubeconfig, images, tag = '0.1.0', identity = [] } = values;
  const identities = parseIdentities(identity);
  const problems: string[] = [];
  if (!kubeconfig) problems.push('--kubeconfig FILE names the cluster');
  if (!images) problems.push('--images REGISTRY/PATH says where the images mic and nmi are');
  if (identities === 'not two')
    problems.push(
      '--identity RESOURCE-ID,CLIENT-ID is given twice, for two managed identities that MIC may attach to the machines, or not at all',
    );
  if (!kubeconfig || !images || identities === 'not two') return { problems };
  return { kubeconfig, images: images.replace(/\/+$/, ''), tag, ...(identities && { identities }) };
}
