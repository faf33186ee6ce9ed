import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readZipEntry } from './unzip.ts';

/** A zip archive of entries with the given methods: 0 stored, 8 deflated. */
function archiveOf(
  entries: readonly { readonly name: string; readonly text: string; readonly method: 0 | 8 }[],
): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  for (const { name, text, method } of entries) {
    const content = method === 8 ? deflateRawSync(text) : Buffer.from(text);
    const at = Buffer.concat(locals).length;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    // An extra field, which only the local header has.
    local.writeUInt16LE(4, 28);
    locals.push(local, Buffer.from(name), Buffer.alloc(4), content);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(method, 10);
    central.writeUInt32LE(content.length, 20);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(at, 42);
    directory.push(central, Buffer.from(name));
  }
  const [first, second] = [Buffer.concat(locals), Buffer.concat(directory)];
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(first.length, 16);
  return Buffer.concat([first, second, end]);
}

const archive = archiveOf([
  { name: 'folder/stored', text: 'as is', method: 0 },
  { name: 'folder/deflated', text: 'small '.repeat(100), method: 8 },
]);

test('reads stored and deflated entries', () => {
  expect(readZipEntry(archive, 'folder/stored')?.toString()).toBe('as is');
  expect(readZipEntry(archive, 'folder/deflated')?.toString()).toBe('small '.repeat(100));
});

test('an entry that is not there is undefined', () => {
  expect(readZipEntry(archive, 'stored')).toBeUndefined();
});

test('throws for what is no zip archive, or damaged', () => {
  expect(() => readZipEntry(Buffer.from('a page that says: not found, in HTML'), 'x')).toThrow(
    'no zip archive',
  );
  const damaged = Buffer.from(archive);
  damaged.fill(0, damaged.indexOf(Buffer.from([0x50, 0x4b, 0x01, 0x02])), damaged.length - 22);
  expect(() => readZipEntry(damaged, 'x')).toThrow('damaged');
});
