import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { KubeObject } from './kube/index.ts';

const folder = new URL('../../../deploy/crds/', import.meta.url);

/** The definitions of the four kinds, fresh ones for each call. */
export function customResourceDefinitions(): KubeObject[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => parse(readFileSync(new URL(name, folder), 'utf8')) as KubeObject);
}
