import { parseAzurePodIdentityException, type Labels } from '@pod-identity/crd-types';
import { printable } from '@pod-identity/kit/core';
import { faultIn, readWhole } from './read-whole.ts';
import type { FoundException } from './types.ts';

/** Characters: the fault is appended to texts of responses and Events. */
const longestFault = 300;

/** An AzurePodIdentityException, or what is wrong with it. Undefined for an object without a namespace or name. */
export function readException(object: unknown): FoundException | undefined {
  const read = readWhole(object, parseAzurePodIdentityException);
  if (!read || 'value' in read) return read;
  const { problems, ...named } = read;
  const isLabelsRead = !problems.some(({ path }) => /^(spec|spec\.podLabels)$/i.test(path));
  const podLabels = isLabelsRead ? labelsOf(object) : undefined;
  const fault = brief(faultIn(problems));
  return { ...named, fault, ...(podLabels && { podLabels }) };
}

/** On one line, since it repeats keys that an editor wrote. */
function brief(fault: string): string {
  const line = printable(fault.slice(0, longestFault));
  return fault.length > longestFault ? `${line}…` : line;
}

/** Of the object without the other fields of its spec: the parser knows in which spellings the labels are read. */
function labelsOf(object: unknown): Labels | undefined {
  const parsed = parseAzurePodIdentityException(
    withMembers(object, 'spec', (spec) => only(spec, 'podlabels')),
  );
  if (!parsed.ok) return undefined;
  const { podLabels } = parsed.value.spec;
  // If there are none, the author may have misspelt the key of the field.
  return Object.keys(podLabels).length === 0 ? undefined : podLabels;
}

function withMembers(object: unknown, key: string, change: (value: unknown) => unknown): unknown {
  return mapped(object, ([name, value]) => [[name, name.toLowerCase() === key ? change(value) : value]]);
}

function only(object: unknown, key: string): unknown {
  return mapped(object, (entry) => (entry[0].toLowerCase() === key ? [entry] : []));
}

type Entry = readonly [string, unknown];

function mapped(object: unknown, change: (entry: Entry) => readonly Entry[]): unknown {
  if (typeof object !== 'object' || object === null || Array.isArray(object)) return object;
  return Object.fromEntries(Object.entries(object).flatMap(change));
}
