import type { value } from '@pod-identity/kit/core';
import type { ObjectName } from '../cluster/fields.ts';
import { CommandProblem, type Session } from './command.ts';

/** An object given as `NAMESPACE/NAME`, or as `NAME` in the namespace of the call. */
export function parseObjectName(
  text: string,
  what: string,
  { namespace }: Pick<Session, 'namespace'>,
): ObjectName {
  const [first = '', second, ...more] = text.split('/');
  const key =
    second === undefined ? { namespace: namespace ?? '', name: first } : { namespace: first, name: second };
  if (more.length > 0 || ![key.namespace, key.name].every((part) => partOfKey.test(part)))
    throw new CommandProblem(`'${text}' names no ${what}: give NAMESPACE/NAME, or NAME with -n NAMESPACE`);
  return key;
}

const partOfKey = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;

/** The value of `--name`. */
export function parseOption(
  name: string,
  type: ReturnType<typeof value.integer>,
  text: string | boolean,
): number {
  const parsed = type.parse(String(text));
  if ('need' in parsed) throw new CommandProblem(`--${name} must be ${parsed.need}, not ${String(text)}`);
  return parsed.value;
}
