import { KubeError, silence } from './errors.ts';

export interface ListOriginOptions {
  readonly isPerNode?: boolean;
  readonly fieldSelector?: string;
  readonly pageSize?: number;
}

/** What a list is to be of. Nothing: of the database as it is now. With a page size a version would mean that very one. */
export interface ListFrom {
  readonly resourceVersion?: string;
  readonly pageSize: number | undefined;
}

const defaultPageSize = 500;
/** Of the largest objects that there can be, a page of so many is 75 MB. */
const smallestPage = 50;

/** Whether the API server answers a list from its memory or from its database. */
export interface ListOrigin {
  ask<T>(list: (from: ListFrom) => Promise<T>): Promise<T>;
  /** The store has come to this version. */
  reached(version: string | undefined): void;
}

/**
 * With thousands of agents that list at once, each read of the database counts. An agent's first list of one node's pods may
 * be of any version: the API server's memory has an index for it, and the watch that follows catches up. A later list must
 * not go back in time, so it names the version that is known. Rights are first read from the database: memory may not have
 * heard yet that one was taken away.
 */
export function createListOrigin(options: ListOriginOptions): ListOrigin {
  const { isPerNode = false, fieldSelector } = options;
  const first = fieldSelector === undefined ? {} : { resourceVersion: '0' };
  let { pageSize = defaultPageSize } = options;
  let known: string | undefined;
  let isDoubted = false;
  const from = (): ListFrom => {
    if (!isPerNode || isDoubted) return { pageSize };
    return known === undefined ? { ...first, pageSize } : { resourceVersion: known, pageSize: undefined };
  };
  return {
    async ask(list) {
      const asked = from();
      isDoubted = false;
      try {
        return await list(asked);
      } catch (error) {
        isDoubted = isAboutVersion(error) || isSilence(error);
        if (isSilence(error)) pageSize = Math.min(pageSize, Math.max(smallestPage, Math.floor(pageSize / 4)));
        throw error;
      }
    },
    reached(version) {
      known = version;
    },
  };
}

/** "Too large resource version" is a 504: after a restore of the database, versions begin again. */
function isAboutVersion(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 504 || /^(gone|invalid)$/.test(error.code));
}

/**
 * An API server makes a whole answer before it sends the first byte: of large objects, that can take longer than we wait. Memory
 * answers all in one piece, the database in pages.
 */
function isSilence(error: unknown): boolean {
  return error instanceof KubeError && error.reason === silence;
}
