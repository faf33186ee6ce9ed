// Writes, as commands for a shell.
import { resources } from '@pod-identity/crd-types';
import { clusterKinds } from '@pod-identity/kit/core';
import type { ObjectKey, ResourceKind } from '@pod-identity/kit/kube';
import { shellWord } from '@pod-identity/policy';
import { stringify } from 'yaml';
import { fieldAt, isObject, textAt } from '../cluster/fields.ts';

export interface Target extends ObjectKey {
  readonly kind: ResourceKind;
}

/** Objects to create, or a command with what undoes it, if the cluster still has that. */
export type Write = { readonly created: object } | { readonly command: string; readonly undo?: string };

const kinds = {
  AzureIdentity: resources.AzureIdentity,
  AzureIdentityBinding: resources.AzureIdentityBinding,
  ClusterRole: clusterKinds.clusterRoles,
  ClusterRoleBinding: clusterKinds.clusterRoleBindings,
};

function targetOf(object: unknown): Target {
  const namespace = textAt(object, 'metadata.namespace');
  return {
    kind: kinds[textAt(object, 'kind') as keyof typeof kinds],
    name: textAt(object, 'metadata.name'),
    ...(namespace !== '' && { namespace }),
  };
}

export const createOf = (object: object): Write => ({ created: object });

export const deleteOf = (object: unknown): Write => ({ command: deleteCommand(object) });

/** Merges the value into what is at the path. */
export function patchOf(
  { target, object }: { readonly target: Target; readonly object: unknown },
  path: string,
  value: object,
): Write {
  const keys = path.split('.');
  const nested = (inner: unknown) => keys.reduceRight<unknown>((of, key) => ({ [key]: of }), inner) as object;
  return {
    command: patchCommand(target, nested(value)),
    undo: patchCommand(target, nested(undone(value, fieldAt(object, path)))),
  };
}

function undone(patch: unknown, before: unknown): unknown {
  if (!isObject(patch)) return before ?? null;
  const of = isObject(before) ? before : {};
  return Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, undone(value, of[key])]));
}

function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => isSame((a as Members)[key], (b as Members)[key]));
}

type Members = Readonly<Record<string, unknown>>;

/** Whether a merge patch would change nothing. */
export function isInEffect(object: unknown, patch: unknown): boolean {
  if (!isObject(patch))
    return patch === null ? object === undefined || object === null : isSame(object, patch);
  return Object.entries(patch).every(([key, value]) =>
    isInEffect(isObject(object) ? object[key] : undefined, value),
  );
}

/** Whether an object that exists says what would be created. Its metadata are its own. */
export function saysTheSame(existing: unknown, wanted: object): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => key === 'metadata' || isSame(fieldAt(existing, key), value),
  );
}

/** For a shell. The objects of one step are one command. */
export function commandsOf(writes: readonly Write[]): readonly string[] {
  const created = writes.flatMap((write) => ('created' in write ? [write.created] : []));
  const commands = writes.flatMap((write) => ('command' in write ? [write.command] : []));
  return created.length > 0 ? [applyCommand(created), ...commands] : commands;
}

/** For a shell: what undoes them. */
export const undoCommandsOf = (writes: readonly Write[]): readonly string[] =>
  writes.flatMap((write) =>
    'created' in write ? [deleteCommand(write.created)] : write.undo === undefined ? [] : [write.undo],
  );

/** The objects follow, and then the end of the input. */
export const applyHead = "kubectl apply -f - <<'EOF'\n";

export function applyCommand(objects: readonly object[]): string {
  const yaml = objects.map((object) => stringify(object, { lineWidth: 0 })).join('---\n');
  return `${applyHead}${yaml}EOF`;
}

function patchCommand(target: Target, patch: object): string {
  return `${at(target)} patch ${resourceOf(target)} ${shellWord(target.name)} --type merge --patch ${shellWord(JSON.stringify(patch))}`;
}

function deleteCommand(object: unknown): string {
  const target = targetOf(object);
  return `${at(target)} delete ${resourceOf(target)} ${shellWord(target.name)}`;
}

const at = ({ namespace }: Target) =>
  namespace === undefined ? 'kubectl' : `kubectl -n ${shellWord(namespace)}`;
const resourceOf = ({ kind: { plural, group } }: Target) => (group === '' ? plural : `${plural}.${group}`);
