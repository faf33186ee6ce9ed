import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const chartFolder = join(repository, 'charts/pod-identity');
export const inChart = (path: string): string => join(chartFolder, path);
