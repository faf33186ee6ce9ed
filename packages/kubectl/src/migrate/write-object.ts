// Writes: each is checked before, by the API server and against what the plan was made of, and after.
import { printable } from '@pod-identity/kit/core';
import { createResource, KubeError, wholeObject, type KubeTransport } from '@pod-identity/kit/kube';
import { changedSince, isInEffect, nameOfTarget, saysTheSame, type Write } from './writes.ts';

/** A step that ends the plan, in lines for the user: the progress list prints them as they are. */
export class StepError extends Error {
  override readonly name = 'StepError';

  constructor(message: string) {
    super(message.split('\n').map(printable).join('\n'));
  }
}

/** MIC writes the status of these objects at any time, which is not a change of the plan's basis. */
const mostConflicts = 5;

/** Once begun, a write is not aborted: its outcome would not be known. */
export async function writeObject(write: Write, kube: KubeTransport, signal: AbortSignal): Promise<void> {
  for (let conflicts = 0; ; conflicts += 1) {
    signal.throwIfAborted();
    try {
      await tryWrite(write, kube);
      return;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.code !== 'conflict') throw new StepError(whyFailed(write, error, kube.server));
      if (conflicts >= mostConflicts)
        throw new StepError(`${nameOfTarget(write.target)} is changed by somebody else all the time`);
    }
  }
}

function whyFailed({ verb, target }: Write, { code, message }: KubeError, server: string): string {
  const what = `${verb} ${nameOfTarget(target)}`;
  if (code === 'transport' || code === 'unavailable')
    return `the API server ${server} gave no answer to ${what}: ${message}. It may have been carried out; run the same command again`;
  return `the API server refuses to ${what}: ${message}`;
}

async function tryWrite(write: Write, kube: KubeTransport): Promise<void> {
  const client = createResource<object>(kube, write.target.kind);
  const { target } = write;
  const current = await client.get(target, { fields: wholeObject }).catch((error: unknown) => {
    if (error instanceof KubeError && error.code === 'not-found') return undefined;
    throw error;
  });
  if (write.verb === 'create') {
    if (current === undefined) {
      await client.create(write.object, { isDryRun: true });
      mustSay(await client.create(write.object), write.object, write);
    } else if (!saysTheSame(current, write.object))
      throw new StepError(
        `${nameOfTarget(target)} exists and says something else: look at it, and delete or rename it`,
      );
    return;
  }
  if (current === undefined) {
    if (write.verb === 'delete') return;
    throw new StepError(`${nameOfTarget(target)} was deleted by somebody else`);
  }
  if (write.verb === 'patch' && isInEffect(current, write.patch)) return;
  const changed = changedSince(current, write.basis);
  if (changed !== undefined)
    throw new StepError(
      `${nameOfTarget(target)} was changed by somebody else since the plan was made: ${changed}`,
    );
  const { resourceVersion } = (current as { readonly metadata: { readonly resourceVersion: string } })
    .metadata;
  if (write.verb === 'patch') {
    await client.patch(target, write.patch, { resourceVersion, isDryRun: true });
    mustSay(await client.patch(target, write.patch, { resourceVersion }), write.patch, write);
  } else {
    await client.delete(target, { resourceVersion, isDryRun: true });
    await client.delete(target, { resourceVersion });
  }
}

/** Admission webhooks may change what is written. */
function mustSay(written: object, wanted: object, write: Write): void {
  const isThere = write.verb === 'create' ? saysTheSame(written, wanted) : isInEffect(written, wanted);
  if (!isThere)
    throw new StepError(
      `${nameOfTarget(write.target)} was written, and the API server stored something else: an admission webhook or a definition without these fields`,
    );
}
