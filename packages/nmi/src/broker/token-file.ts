import { readFile } from 'node:fs/promises';

/** A projected token. To be read at each use: the kubelet replaces the file before it expires. */
export async function readTokenFile(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trim();
}
