// Reads one entry of a zip archive: Node has no reader, and one program in one archive needs no dependency.
import { inflateRawSync } from 'node:zlib';

const endOfDirectory = 0x06054b50;
const entryOfDirectory = 0x02014b50;
const endLength = 22;
const entryLength = 46;
const localLength = 30;
const deflated = 8;

/** The content of an entry; undefined if the archive has no entry with this name. Throws if it is no zip archive. */
export function readZipEntry(zip: Buffer, name: string): Buffer | undefined {
  const end = findEnd(zip);
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== entryOfDirectory)
      throw new Error('the directory of the zip archive is damaged');
    const nameLength = zip.readUInt16LE(at + 28);
    const found = zip.toString('utf8', at + entryLength, at + entryLength + nameLength);
    if (found === name) return contentOf(zip, at);
    at += entryLength + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return undefined;
}

function findEnd(zip: Buffer): number {
  for (let at = zip.length - endLength; at >= 0; at -= 1)
    if (zip.readUInt32LE(at) === endOfDirectory) return at;
  throw new Error('this is no zip archive');
}

function contentOf(zip: Buffer, entry: number): Buffer {
  const local = zip.readUInt32LE(entry + 42);
  const start = local + localLength + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const content = zip.subarray(start, start + zip.readUInt32LE(entry + 20));
  return zip.readUInt16LE(entry + 10) === deflated ? inflateRawSync(content) : content;
}
