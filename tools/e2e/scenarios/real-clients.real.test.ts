// Real clients, unmodified and each in its own process, against the built NMI: what they send, how
// they react to its responses, and how often they send requests.
import { whyNoPrograms } from '@pod-identity/kit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRecordedPath, type RecordedCall } from '../clients/recorded-path.ts';
import { openPodNamespace, whyNoNamespaces } from '../clients/pod-namespace.ts';
import { pathWithAz, tokenOfAz } from '../clients/players.ts';
import {
  clients,
  persistentCurl,
  realClients,
  type Answer,
  type RealClient,
  type Selector,
  type Wish,
} from '../clients/real-clients.ts';
import { run } from '../clients/run-client.ts';
import { pendingPod, type Scene } from '../clients/scene.ts';
import { createStarts, type Starts } from '../clients/starts.ts';
import { readVault } from '../objects.ts';
import { openStage, type Stage, type StageNmi, type StagePod } from '../../stage/stage.ts';

let stage: Stage;
let nmi: StageNmi;
/** Holds callers for longer than a test takes: only the assignment can end their wait. */
let patient: StageNmi;
/** A pod with an identity that is on its machine. */
let mine: Scene;
/** A pod whose label no binding selects. */
let bare: StagePod;

beforeAll(async () => {
  stage = await openStage();
  await stage.install();
  nmi = await stage.startNmi(0);
  patient = await stage.startNmi(0, ['--hold', '60s']);
  mine = await pendingPod(stage, 'mine');
  await mine.assign();
  bare = await stage.runPod({ name: 'bare', node: 0, label: 'nobody' });
});
afterAll(() => stage.stop());

/** The clients whose programs are installed here. */
const here = realClients.filter((client) => {
  const missing = whyNoPrograms({ programs: client.programs });
  if (missing !== undefined) console.warn(`real-clients is skipped with ${client.name}: ${missing}`);
  return missing === undefined;
});
/** SDKs with a chain of credentials. */
const chained = [
  clients.identity,
  clients.olderIdentity,
  clients.pythonIdentity,
  clients.asyncPythonIdentity,
].filter((client) => here.includes(client));

/** The client id of the token, or the error. */
function subjectOf(answer: Answer): string {
  if ('refused' in answer) return answer.refused;
  const claims = JSON.parse(Buffer.from(answer.token.split('.')[1] ?? '', 'base64url').toString()) as {
    appid: string;
  };
  return claims.appid;
}

interface Asked {
  readonly answer: Answer;
  readonly calls: readonly RecordedCall[];
}

/** Runs a client in the pod, with the address of NMI in its environment. */
async function ask(client: RealClient, wish: Wish = {}, from: StagePod = mine.pod): Promise<Asked> {
  const path = await openRecordedPath({ pod: from, nmi });
  const answer = await run(client, wish, { url: path.url });
  await path.close();
  return { answer, calls: path.calls };
}

const wishFor = (selector: Selector): Wish => {
  const { clientId, resourceId, principalId } = mine.identity;
  return {
    none: {},
    clientId: { clientId },
    resourceId: { resourceId },
    objectId: { objectId: principalId },
  }[selector];
};

describe.each(here)('$name', (client) => {
  test('E1 gets a token that Key Vault accepts, by each of its selectors, each with one request', async () => {
    const asked = await Promise.all(
      client.selectors.map(async (selector) => {
        const { answer, calls } = await ask(client, wishFor(selector));
        const vault = 'token' in answer ? await readVault(stage, answer.token) : undefined;
        return [selector, subjectOf(answer), vault, calls.length];
      }),
    );
    expect(asked).toEqual(client.selectors.map((selector) => [selector, mine.identity.clientId, 200, 1]));
  });

  test('is refused at the first request if no binding selects its pod, with the remedy', async () => {
    const { answer, calls } = await ask(client, {}, bare);
    expect(calls.map(({ status }) => status)).toEqual([400]);
    expect(subjectOf(answer)).toContain('Identity not found');
    expect(subjectOf(answer)).toContain('No AzureIdentityBinding has the selector');
  });

  test('is refused at the first request if it requests an identity that is not the pod’s', async () => {
    const { answer, calls } = await ask(client, { clientId: '00000000-0000-0000-0000-00000000ffff' });
    expect(calls.map(({ status }) => status)).toEqual([400]);
    expect(subjectOf(answer)).toContain('Identity not found');
  });

  test('waits within one request while its identity is being assigned, and then gets the token', async () => {
    const scene = await pendingPod(stage, `late-${here.indexOf(client)}`);
    const path = await openRecordedPath({ pod: scene.pod, nmi: patient });
    const answer = run(client, {}, { url: path.url });
    await path.asked();
    await scene.create();
    expect(path.calls.map(({ status }) => status)).toEqual([0]);
    await scene.assign();
    expect(subjectOf(await answer)).toBe(scene.identity.clientId);
    expect(path.calls.map(({ status }) => status)).toEqual([200]);
    await path.close();
  });
});

describe('with a Retry-After', () => {
  interface Told {
    readonly statuses: readonly number[];
    readonly subject: string;
    readonly expected: string;
  }
  /** All of them wait at the same time. */
  const plays = new Map<string, Promise<Told>>();
  const keyOf = (client: RealClient, status: number) =>
    `told-${status}-${client.name.replaceAll(/\W/g, '')}`.toLowerCase();
  const repeating = (status: 404 | 503) =>
    [...here, persistentCurl].filter((client) => client.repeats.includes(status));

  /** The identity is assigned after the client's first response. */
  async function play(client: RealClient, at: { impatient: StageNmi; key: string; starts: Starts }) {
    const scene = await pendingPod(stage, at.key);
    await scene.create();
    const path = await openRecordedPath({ pod: scene.pod, nmi: at.impatient });
    const assigned = Promise.withResolvers<true>();
    return at.starts.run(async () => {
      const answer = run(client, {}, { url: path.url });
      await path.answered();
      await scene.assign();
      assigned.resolve(true);
      const subject = subjectOf(await answer);
      await path.close();
      const statuses = path.calls.map(({ status }) => status);
      return { statuses, subject, expected: scene.identity.clientId };
    }, assigned.promise);
  }

  beforeAll(async () => {
    const starts = createStarts(2);
    for (const status of [404, 503] as const) {
      const impatient = await stage.startNmi(0, ['--hold', '0s', '--not-assigned-status', String(status)]);
      for (const client of repeating(status)) {
        const key = keyOf(client, status);
        const playing = play(client, { impatient, key, starts });
        playing.catch(() => undefined);
        plays.set(key, playing);
      }
    }
  });

  test.each(repeating(503))('E24 and 503, $name retries and gets the token', async (client) => {
    const told = await plays.get(keyOf(client, 503));
    expect(told?.subject).toBe(told?.expected);
    expect([told?.statuses[0], told?.statuses.at(-1)]).toEqual([503, 200]);
  });

  test.each(repeating(404))(
    'and 404, as from the original, $name retries and gets the token',
    async (client) => {
      const told = await plays.get(keyOf(client, 404));
      expect(told?.subject).toBe(told?.expected);
      expect([told?.statuses[0], told?.statuses.at(-1)]).toEqual([404, 200]);
    },
  );
});

describe('DefaultAzureCredential', () => {
  test.each(chained)(
    'of $name goes on to the next credential after one request if the pod has no identity',
    async (client) => {
      const path = await openRecordedPath({ pod: bare, nmi });
      const place = { url: path.url, path: await pathWithAz(stage.folder) };
      const answer = await run(client, { credential: 'default' }, place);
      await path.close();
      expect(answer).toEqual({ token: tokenOfAz });
      expect(path.calls.map(({ status }) => status)).toEqual([400]);
    },
  );
});

const noNamespaces = whyNoNamespaces();
if (noNamespaces !== undefined) console.warn(`real-clients is skipped in namespaces: ${noNamespaces}`);
const probe = 'probe without the header Metadata: 400';
const token = 'request for a token: 200';
const refusal = 'request for a token: 400';

describe.skipIf(noNamespaces !== undefined)('at the address of IMDS, with nothing set', () => {
  const described = ({ headers, status }: RecordedCall) =>
    headers['metadata'] === undefined
      ? `probe without the header Metadata: ${status}`
      : `request for a token: ${status}`;

  async function askInside(client: RealClient, wish: Wish, pod: StagePod) {
    const namespace = await openPodNamespace(stage, { pod, nmi });
    try {
      const answer = await run(client, wish, { namespace });
      return { answer, arrivals: namespace.path.calls.map(described) };
    } finally {
      await namespace.remove();
    }
  }

  test.each(here)('$name gets the token of its pod', async (client) => {
    const { answer, arrivals } = await askInside(client, {}, mine.pod);
    expect(subjectOf(answer)).toBe(mine.identity.clientId);
    expect(arrivals.filter((one) => one !== probe)).toEqual([token]);
  });

  test.each(chained)('DefaultAzureCredential of $name probes, and then gets the token', async (client) => {
    const { answer, arrivals } = await askInside(client, { credential: 'default' }, mine.pod);
    expect(arrivals).toEqual([probe, token]);
    expect(subjectOf(answer)).toBe(mine.identity.clientId);
  });

  test.each(chained)(
    'DefaultAzureCredential of $name probes, sends one request and goes on if the pod has no identity',
    async (client) => {
      const { answer, arrivals } = await askInside(client, { credential: 'default' }, bare);
      expect(arrivals).toEqual([probe, refusal]);
      expect(subjectOf(answer)).toMatch(/Azure CLI (could not be found|not found on path)/);
    },
  );
});
