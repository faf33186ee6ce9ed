import { join } from 'node:path';

export const repository = join(import.meta.dirname, '../..');
/** What builds keep for the next: packages of Debian and npm, layers. */
export const cacheFolder = join(repository, 'node_modules/.cache/pod-identity/images');
