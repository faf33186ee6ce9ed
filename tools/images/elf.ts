// Programs and libraries in the format of Linux (ELF, 64 bits, little endian): what they need, and what of them is needed.

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
}

const loaded = 1;
const dynamic = 2;
const interpreter = 3;

export function isElf(file: Buffer): boolean {
  // The class (64 bits) and the order of bytes follow the magic number.
  return file.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]));
}

/** The names of the libraries that the loader must find, and the path of the loader itself. */
export function needsOf(file: Buffer): { readonly libraries: readonly string[]; readonly loader?: string } {
  const segments = segmentsOf(file);
  const start = segments.find(({ type }) => type === interpreter);
  const loader = start && textAt(file, start.offset);
  const list = segments.find(({ type }) => type === dynamic);
  const libraries = list ? neededNames(file, list, segments) : [];
  return { libraries, ...(loader !== undefined && { loader }) };
}

/**
 * The file without its table of sections and what follows the last loaded byte: names and positions for a debugger, which the kernel and
 * the loader never read. The same bytes on every machine, unlike the output of `strip`, which has to know the processor.
 */
export function withoutSections(file: Buffer): Buffer {
  const end = Math.max(...segmentsOf(file).map(({ offset, fileSize }) => offset + fileSize));
  const kept = Buffer.from(file.subarray(0, end));
  kept.writeBigUInt64LE(0n, 40);
  // The size, the number and the names of sections.
  kept.writeUInt16LE(0, 58);
  kept.writeUInt16LE(0, 60);
  kept.writeUInt16LE(0, 62);
  return kept;
}

function segmentsOf(file: Buffer): readonly Segment[] {
  const start = number(file, 32);
  const size = file.readUInt16LE(54);
  return Array.from({ length: file.readUInt16LE(56) }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at),
      offset: number(file, at + 8),
      address: number(file, at + 16),
      fileSize: number(file, at + 32),
    };
  });
}

function neededNames(file: Buffer, list: Segment, segments: readonly Segment[]): readonly string[] {
  const names: number[] = [];
  let texts = 0;
  for (let at = list.offset; at < list.offset + list.fileSize; at += 16) {
    const [tag, value] = [number(file, at), number(file, at + 8)];
    if (tag === 0) break;
    if (tag === 1) names.push(value);
    if (tag === 5) texts = offsetOf(value, segments);
  }
  return names.map((name) => textAt(file, texts + name));
}

function offsetOf(address: number, segments: readonly Segment[]): number {
  const inside = segments.find(
    (one) => one.type === loaded && address >= one.address && address < one.address + one.fileSize,
  );
  if (!inside) throw new Error(`no loaded segment holds the address ${address}`);
  return inside.offset + address - inside.address;
}

function number(file: Buffer, at: number): number {
  return Number(file.readBigUInt64LE(at));
}

function textAt(file: Buffer, at: number): string {
  return file.toString('latin1', at, file.indexOf(0, at));
}
