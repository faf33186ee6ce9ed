import { join } from 'node:path';
import { repository } from '../stage/places.ts';

export const chartFolder = join(repository, 'charts/pod-identity');
export const inChart = (path: string): string => join(chartFolder, path);
