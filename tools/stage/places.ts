import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The built entry file of a program. */
export const built = (name: string): string => join(repository, 'packages', name, 'dist', `${name}.js`);

/** A file or folder of deploy/. */
export const inDeploy = (path: string): string => join(repository, 'deploy', path);
