import { KubeError, silence } from './errors.ts';

interface ListOriginOptions {
  readonly isPerNode?: boolean;
  readonly fieldSelector?: string;
  readonly pageSize?: number;
}

/** Empty: the current state of the database. With a page size, a version would mean exactly that version. */
interface ListFrom {
  readonly resourceVersion?: string;
  readonly pageSize: number | undefined;
}

const defaultPageSize = 500;
/** 75 MB of the largest possible objects. */
const smallestPage = 50;

/** Whether the API server serves a list from its cache or from its database. */
export type ListOrigin = ReturnType<typeof createListOrigin>;

/**
 * Thousands of agents may list at once, so reads of the database are avoided. An agent's first list of its node's pods may be of any
 * version: the API server's cache has an index for it, and the watch that follows catches up. A later list must not go back in time, so
 * it names the version of the store. Objects that grant rights are first read from the database: the cache may still have revoked ones.
 */
export function createListOrigin(options: ListOriginOptions) {
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
    async listFrom<T>(list: (from: ListFrom) => Promise<T>): Promise<T> {
      const origin = from();
      isDoubted = false;
      try {
        return await list(origin);
      } catch (error) {
        isDoubted = isAboutVersion(error) || isSilence(error);
        if (isSilence(error)) pageSize = Math.min(pageSize, Math.max(smallestPage, Math.floor(pageSize / 4)));
        throw error;
      }
    },
    /** The store has reached this version. */
    reached(version: string | undefined): void {
      known = version;
    },
  };
}

/** "Too large resource version" is a 504: after a restore of the database, versions are lower. */
function isAboutVersion(error: unknown): boolean {
  return error instanceof KubeError && (error.status === 504 || /^(gone|invalid)$/.test(error.code));
}

/**
 * The API server builds a whole response before it sends the first byte; with large objects that can exceed the timeout. The cache
 * returns one response, the database pages.
 */
function isSilence(error: unknown): boolean {
  return error instanceof KubeError && error.reason === silence;
}
