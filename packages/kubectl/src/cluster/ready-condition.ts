// What MIC says about an object in its condition Ready.
import { conditionOf, fieldAt, textAt } from './fields.ts';

/** An object and what MIC said about it: views keep no long messages. */
export interface Reported<V> {
  readonly view: V;
  readonly ready: ReadyCondition | undefined;
}

export interface ReadyCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** The condition is about an earlier generation. */
  readonly isOutdated: boolean;
}

export function readyOf(raw: unknown): ReadyCondition | undefined {
  const ready = conditionOf(raw, 'Ready');
  if (ready === undefined) return undefined;
  const observed = fieldAt(ready, 'observedGeneration');
  return {
    status: textAt(ready, 'status'),
    reason: textAt(ready, 'reason'),
    message: textAt(ready, 'message'),
    isOutdated: observed !== undefined && observed !== fieldAt(raw, 'metadata.generation'),
  };
}
