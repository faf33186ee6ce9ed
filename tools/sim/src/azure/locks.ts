import { covers } from './roles.ts';

export interface Lock {
  readonly id: string;
  readonly level: 'ReadOnly' | 'CanNotDelete';
  /** A resource, group or subscription, and all that is in it. */
  readonly scope: string;
}

export interface Locks {
  lock(scope: string, level: Lock['level']): Lock;
  /** Throws for an unknown one. */
  unlock(id: string): void;
  locks(): readonly Lock[];
  /** The one that forbids changes of this resource. */
  readOnlyLock(id: string): Lock | undefined;
}

export function createLocks(ports: { readonly newId: () => string; readonly changed: () => void }): Locks {
  let locks: readonly Lock[] = [];
  return {
    lock(scope, level) {
      const added = {
        id: `${scope}/providers/Microsoft.Authorization/locks/${ports.newId()}`,
        level,
        scope,
      };
      locks = [...locks, added];
      ports.changed();
      return added;
    },
    unlock(id) {
      if (!locks.some((lock) => lock.id === id)) throw new TypeError(`the world has no lock ${id}`);
      locks = locks.filter((lock) => lock.id !== id);
      ports.changed();
    },
    locks: () => locks,
    readOnlyLock: (id) => locks.find(({ level, scope }) => level === 'ReadOnly' && covers(scope, id)),
  };
}
