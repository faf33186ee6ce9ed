import { join } from 'node:path';
import { repository } from '../stage/places.ts';

/** What builds keep for the next: packages of Debian and npm, layers. */
export const cacheFolder = join(repository, 'node_modules/.cache/pod-identity/images');
