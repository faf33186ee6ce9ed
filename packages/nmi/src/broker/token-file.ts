import { createReadStream } from 'node:fs';
import { readUpTo } from '@pod-identity/kit/core';

/** In bytes; an ordinary one has less than 2,000. */
const longestToken = 16 * 1024;

/** A projected token. To be read at each use: the kubelet replaces the file before it expires. */
export async function readTokenFile(path: string): Promise<string> {
  const text = await readUpTo(createReadStream(path), longestToken);
  if (!text) throw new RangeError(`${path} has more than ${longestToken} bytes`);
  return text.toString('utf8').trim();
}
