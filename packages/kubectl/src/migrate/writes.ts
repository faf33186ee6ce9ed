// Writes, as commands for a shell.
import type { ObjectKey, ResourceKind } from '@pod-identity/kit/kube';
import { shellWord } from '@pod-identity/policy';
import { stringify } from 'yaml';

export interface Target extends ObjectKey {
  readonly kind: ResourceKind;
}

/** Merges the value into what is at the path. */
export function patchCommand(target: Target, path: string, value: object): string {
  const patch = path.split('.').reduceRight<object>((of, key) => ({ [key]: of }), value);
  return commandOn(target, 'patch', `--type merge --patch ${shellWord(JSON.stringify(patch))}`);
}

export const deleteCommand = (target: Target): string => commandOn(target, 'delete');

/** Prints the object. */
export const showCommand = (target: Target): string => commandOn(target, 'get', '-o yaml');

/** The objects follow, and then the end of the input. */
export const applyHead = "kubectl apply -f - <<'EOF'\n";

export const applyCommand = (objects: readonly object[]): string =>
  `${applyHead}${objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n')}EOF`;

function commandOn({ kind: { plural, group }, namespace, name }: Target, verb: string, more = ''): string {
  const kubectl = namespace === undefined ? 'kubectl' : `kubectl -n ${shellWord(namespace)}`;
  return `${kubectl} ${verb} ${group === '' ? plural : `${plural}.${group}`} ${shellWord(name)} ${more}`.trimEnd();
}
