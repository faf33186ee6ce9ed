// Runs a client to its end and parses its output.
import { startService } from '../../stage/service.ts';
import { within } from '../../stage/within.ts';
import type { PodNamespace } from './pod-namespace.ts';
import { metadata, type Answer, type RealClient, type Wish } from './real-clients.ts';

/** Where a client runs, and its PATH (empty by default). In a namespace no variable is set, and it finds NMI at the address of IMDS. */
export type Place =
  | { readonly url: string; readonly path?: string }
  | { readonly namespace: PodNamespace; readonly path?: string };

/** Longer than any client retries. */
const patienceMs = 300_000;

/** Runs the client to its end. */
export async function run(client: RealClient, wish: Wish, place: Place): Promise<Answer> {
  const base = 'url' in place ? place.url : metadata;
  const { executable, args } = client.command(wish, base);
  const [first, ...others] =
    'url' in place ? [executable, ...args] : place.namespace.inside(executable, args);
  // Without either, a client would send requests to the real address of the metadata service.
  const leading: Record<string, string> =
    'url' in place ? { AZURE_POD_IDENTITY_AUTHORITY_HOST: place.url } : {};
  const service = startService({
    name: client.name,
    executable: first ?? '',
    entry: others[0] ?? '',
    args: others.slice(1),
    // DefaultAzureCredential runs `az` and others from the PATH, so the PATH must not be that of this machine.
    env: { ...leading, PATH: place.path ?? '/nonexistent' },
  });
  try {
    await within(patienceMs, `${client.name} to end`, service.ended);
    return answerIn(service.lines);
  } finally {
    await service.stop();
  }
}

function answerIn(lines: readonly string[]): Answer {
  for (const line of lines.toReversed()) {
    if (!line.startsWith('{')) continue;
    const said = parse(line);
    const token = said.token ?? said.access_token;
    if (token !== undefined) return { token };
    return { refused: said.refused ?? said.error_description ?? line };
  }
  return { refused: lines.join(' ') };
}

type Said = Partial<Record<'token' | 'refused' | 'access_token' | 'error_description', string>>;

function parse(line: string): Said {
  try {
    return JSON.parse(line) as Said;
  } catch {
    // curl prints the responses of all attempts without line breaks between them.
    return JSON.parse(line.slice(line.lastIndexOf('{"'))) as Said;
  }
}
