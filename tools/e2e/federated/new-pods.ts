// Load for the broker: pods that are created, request their first token, and go. None of these tokens is in the memory of NMI.
import { setTimeout as pause } from 'node:timers/promises';
import { sendRaw } from '../clients/ask.ts';
import { podObject } from '../../stage/cluster.ts';
import { applyObject, deleteObject } from '../../stage/objects.ts';
import type { Stage, StageNmi } from '../../stage/stage.ts';
import { within } from '../../stage/within.ts';

export interface NewPods {
  /** Does this under load; returns what pods got instead of a token, from now until some requests began and ended after it. */
  during(task: () => Promise<unknown>): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export interface NewPodsOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly label: string;
}

const atATime = 4;
/** All together stay below the 8 a second that NMI lets a namespace have of one federated identity. */
const betweenMs = 500;
const requestsAfter = 20;
const patienceMs = 60_000;

export function startNewPods(
  stage: Pick<Stage, 'kube' | 'placePod'>,
  nmi: StageNmi,
  options: NewPodsOptions,
): NewPods {
  const results: string[] = [];
  const waiting = new Set<() => void>();
  let pods = 0;
  let isOver = false;

  const firstToken = async (): Promise<string> => {
    const name = `new-${(pods += 1)}`;
    const object = await applyObject(stage.kube, podObject({ name, node: 0, ...options }));
    const pod = await stage.placePod(object, 0);
    const { status, body } = await sendRaw({ pod, nmi });
    await deleteObject(stage.kube, object);
    return body['access_token'] === undefined ? `${status} ${JSON.stringify(body)}` : 'token';
  };
  const run = async () => {
    while (!isOver) {
      results.push(await firstToken().catch(String));
      for (const look of waiting) look();
      await pause(betweenMs);
    }
  };
  const running = Promise.all(Array.from({ length: atATime }, run));

  const untilCount = async (count: number) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const look = () => (results.length >= count ? resolve(undefined) : undefined);
    waiting.add(look);
    look();
    const what = () => `${count} requests of new pods; there were ${results.length}`;
    await within(patienceMs, what, promise).finally(() => waiting.delete(look));
  };
  return {
    async during(task) {
      const begin = results.length;
      await untilCount(begin + atATime);
      await task();
      await untilCount(results.length + requestsAfter);
      return results.slice(begin).filter((result) => result !== 'token');
    },
    async stop() {
      isOver = true;
      await running;
    },
  };
}
