// Tar archives as values. What is written depends only on the entries: owner 0, one time for all, names in the given order.

export interface FileEntry {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}
export interface DirectoryEntry {
  readonly kind: 'directory';
  readonly path: string;
  readonly mode: number;
}
export interface LinkEntry {
  readonly kind: 'link';
  readonly path: string;
  readonly target: string;
}
/** Paths are relative, without `./` and without a slash at the end. */
export type TarEntry = FileEntry | DirectoryEntry | LinkEntry;

const block = 512;

export function writeTar(entries: readonly TarEntry[], seconds: number): Buffer {
  const blocks = entries.flatMap((entry) => {
    const header = headerOf(entry, seconds);
    return entry.kind === 'file' ? [header, entry.content, padding(entry.content.length)] : [header];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * block)]);
}

const types: Readonly<Record<TarEntry['kind'], string>> = { file: '0', directory: '5', link: '2' };

function headerOf(entry: TarEntry, seconds: number): Buffer {
  const header = Buffer.alloc(block);
  const { name, prefix } = splitName(entry.kind === 'directory' ? `${entry.path}/` : entry.path);
  const target = entry.kind === 'link' ? entry.target : '';
  if (Buffer.byteLength(target) > 100)
    throw new Error(`${entry.path}: its target is too long for a tar archive`);
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
  header.write(name, 0);
  header.write(octal(entry.kind === 'link' ? 0o777 : entry.mode, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(entry.kind === 'file' ? entry.content.length : 0, 12), 124);
  header.write(octal(seconds, 12), 136);
  header.write(' '.repeat(8), 148);
  header.write(types[entry.kind], 156);
  header.write(target, 157);
  header.write('ustar\u000000', 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 7)}\u0000 `, 148);
  return header;
}

/** A name of more than 100 bytes is split at a slash. */
function splitName(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' };
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= 100 && Buffer.byteLength(prefix) <= 155 && name !== '')
      return { name, prefix };
  }
  throw new Error(`${path}: the name is too long for a tar archive`);
}

function padding(length: number): Buffer {
  return Buffer.alloc((block - (length % block)) % block);
}

/** The entries of an archive that tar or dpkg wrote. A hard link becomes a file with the content of its target. */
export function readTar(archive: Buffer): readonly TarEntry[] {
  const entries: TarEntry[] = [];
  const files = new Map<string, FileEntry>();
  let next: LongNames = {};
  for (let at = 0; at + block <= archive.length && archive[at] !== 0;) {
    const header = readHeader(archive.subarray(at, at + block));
    const content = archive.subarray(at + block, at + block + header.size);
    at += block + Math.ceil(header.size / block) * block;
    const names = longNames(header.type, content);
    if (names) {
      next = { ...next, ...names };
      continue;
    }
    const entry = toEntry({ ...header, ...next }, content, files);
    next = {};
    if (entry?.kind === 'file') files.set(entry.path, entry);
    if (entry) entries.push(entry);
  }
  return entries;
}

interface Header {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  readonly type: string;
  readonly target: string;
}
interface LongNames {
  readonly path?: string;
  readonly target?: string;
}

function readHeader(header: Buffer): Header {
  const text = (at: number, length: number) => cut(header.subarray(at, at + length));
  const number = (at: number, length: number) => Number.parseInt(text(at, length).trim() || '0', 8);
  const isUstar = header.toString('latin1', 257, 263) === 'ustar\u0000';
  const prefix = isUstar ? text(345, 155) : '';
  return {
    path: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    mode: number(100, 8),
    size: number(124, 12),
    type: text(156, 1) || '0',
    target: text(157, 100),
  };
}

function cut(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}

/** Names for the entry that follows: of GNU (K, L) and of POSIX (x). */
function longNames(type: string, content: Buffer): LongNames | undefined {
  if (type === 'L') return { path: cut(content) };
  if (type === 'K') return { target: cut(content) };
  if (type === 'g') return {};
  if (type !== 'x') return undefined;
  const record = (name: string) =>
    new RegExp(String.raw`^\d+ ${name}=(.*)$`, 'm').exec(content.toString('utf8'))?.[1];
  const [path, target] = [record('path'), record('linkpath')];
  return { ...(path !== undefined && { path }), ...(target !== undefined && { target }) };
}

function toEntry(
  header: Header,
  content: Buffer,
  files: ReadonlyMap<string, FileEntry>,
): TarEntry | undefined {
  const { mode, target, type } = header;
  const path = plain(header.path);
  if (type === '5') return path === '' ? undefined : { kind: 'directory', path, mode };
  if (type === '2') return { kind: 'link', path, target };
  if (type === '0') return { kind: 'file', path, mode, content };
  const original = type === '1' ? files.get(plain(target)) : undefined;
  return original && { ...original, path };
}

function plain(path: string): string {
  return path.replace(/^(\.?\/)+|^\.$/, '').replace(/\/+$/, '');
}
