import { CommandProblem, type Session } from '../cli/command.ts';

/** An object given as `NAMESPACE/NAME`, or as `NAME` in the namespace of the call. */
export function named(
  text: string,
  what: string,
  { namespace }: Pick<Session, 'namespace'>,
): { readonly namespace: string; readonly name: string } {
  const [first = '', second, ...more] = text.split('/');
  const key =
    second === undefined ? { namespace: namespace ?? '', name: first } : { namespace: first, name: second };
  if (more.length > 0 || ![key.namespace, key.name].every((part) => partOfKey.test(part)))
    throw new CommandProblem(`'${text}' names no ${what}: give NAMESPACE/NAME, or NAME with -n NAMESPACE`);
  return key;
}

const partOfKey = /^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;
