import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

/** The folders in packages/ of the libraries that npm publishes. */
export const publishedLibraries = ['imds-client', 'crd-types'] as const;

/** … and of all that npm publishes: the plug-in of kubectl is a program, with no interface for other code. */
export const publishedPackages = [...publishedLibraries, 'kubectl'] as const;

export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The built entry file of a program. */
export const built = (name: string): string => join(repository, 'packages', name, 'dist', `${name}.js`);

/** The options with which Node runs a program from its source without a build of the libraries. */
export const fromSources = ['--import', new URL('./from-sources.ts', import.meta.url).href] as const;

/** A file or folder of deploy/. */
export const inDeploy = (path: string): string => join(repository, 'deploy', path);

/** The files of deploy/ with all roles where MIC runs, those of opt-in parts included. */
export const rolesInDeploy: readonly string[] = [
  'base/mic/rbac.yaml',
  'base/nmi/rbac.yaml',
  'components/startup-taint/rbac.yaml',
  'components/original-lock/rbac.yaml',
  'components/service-principals/role.yaml',
];

/** A page of docs/. */
export const inDocs = (path: string): string => join(repository, 'docs', path);
