// Writes, as commands for a shell.
import type { ObjectKey, ResourceKind } from '@pod-identity/kit/kube';
import { shellWord } from '@pod-identity/policy';
import { stringify } from 'yaml';
import { fieldAt, isObject } from '../cluster/fields.ts';

export interface Target extends ObjectKey {
  readonly kind: ResourceKind;
}

/** For a shell; `back` undoes `commands`. */
export interface Writes {
  readonly commands: readonly string[];
  readonly back: readonly string[];
}

/** Merges the value into what is at the path. */
export function patchOf(
  { target, object }: { readonly target: Target; readonly object: unknown },
  path: string,
  value: object,
): Writes {
  const keys = path.split('.');
  const command = (patch: unknown) => {
    const nested = keys.reduceRight<unknown>((of, key) => ({ [key]: of }), patch);
    return commandOn(target, 'patch', `--type merge --patch ${shellWord(JSON.stringify(nested))}`);
  };
  return { commands: [command(value)], back: [command(undone(value, fieldAt(object, path)))] };
}

function undone(patch: unknown, before: unknown): unknown {
  if (!isObject(patch)) return before ?? null;
  const of = isObject(before) ? before : {};
  return Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, undone(value, of[key])]));
}

export const deleteCommand = (target: Target): string => commandOn(target, 'delete');

/** The objects follow, and then the end of the input. */
export const applyHead = "kubectl apply -f - <<'EOF'\n";

export const applyCommand = (objects: readonly object[]): string =>
  `${applyHead}${objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n')}EOF`;

function commandOn({ kind: { plural, group }, namespace, name }: Target, verb: string, more = ''): string {
  const kubectl = namespace === undefined ? 'kubectl' : `kubectl -n ${shellWord(namespace)}`;
  return `${kubectl} ${verb} ${group === '' ? plural : `${plural}.${group}`} ${shellWord(name)} ${more}`.trimEnd();
}
