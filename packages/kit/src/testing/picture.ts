// A small PNG with a note of what it shows, so that a test notices when it is out of date.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');

/** The same image in at most 256 colours, with a text in it (a chunk tEXt of PNG). Takes what Chromium writes: 8 bits, RGB or RGBA. */
export function withNote(png: Buffer, note: string): Buffer {
  const chunks = chunksOf(png);
  const [header] = chunks;
  if (header?.type !== 'IHDR') throw new TypeError('not a PNG');
  const { palette, rows } = inColours(unfiltered(header.data, chunks));
  const indexed = Buffer.from(header.data);
  indexed.writeUInt8(3, 9);
  return Buffer.concat([
    signature,
    ...[
      { type: 'IHDR', data: indexed },
      { type: 'PLTE', data: palette },
      { type: 'tEXt', data: Buffer.from(`page\0${note}`, 'latin1') },
      { type: 'IDAT', data: deflateSync(rows, { level: 9, memLevel: 9 }) },
      { type: 'IEND', data: Buffer.alloc(0) },
    ].map(encoded),
  ]);
}

interface Pixels {
  readonly width: number;
  readonly bytesPerPixel: number;
  /** Line after line, without a byte for the filter. */
  readonly bytes: Buffer;
}

/** Each line of a PNG is written as the difference to its neighbours. */
function unfiltered(header: Buffer, chunks: readonly Chunk[]): Pixels {
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const bytesPerPixel = header.readUInt8(9) === 6 ? 4 : 3;
  const pitch = width * bytesPerPixel;
  const data = inflateSync(
    Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map((chunk) => chunk.data)),
  );
  const bytes = Buffer.alloc(pitch * height);
  for (let y = 0; y < height; y += 1) {
    const filter = data.readUInt8(y * (pitch + 1));
    for (let x = 0; x < pitch; x += 1) {
      const at = y * pitch + x;
      const isFirst = x < bytesPerPixel;
      // What lies above the first line is not in the buffer, and counts as 0.
      const left = isFirst ? 0 : byteAt(bytes, at - bytesPerPixel);
      const up = byteAt(bytes, at - pitch);
      const corner = isFirst ? 0 : byteAt(bytes, at - pitch - bytesPerPixel);
      bytes[at] = data.readUInt8(y * (pitch + 1) + 1 + x) + predicted(filter, { left, up, corner });
    }
  }
  return { width, bytesPerPixel, bytes };
}

const byteAt = (bytes: Buffer, at: number): number => bytes[at] ?? 0;

interface Neighbours {
  readonly left: number;
  readonly up: number;
  readonly corner: number;
}

function predicted(filter: number, { left, up, corner }: Neighbours): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [left, up, corner].map((value) => Math.abs(guess - value)) as [
    number,
    number,
    number,
  ];
  const nearest = toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
  return [0, left, up, (left + up) >> 1, nearest][filter] ?? 0;
}

/** Four bits of each colour are enough for text on a plain ground. */
function inColours({ width, bytesPerPixel, bytes }: Pixels): { palette: Buffer; rows: Buffer } {
  const colours = new Map<number, number>();
  const pixels = bytes.length / bytesPerPixel;
  const rows = Buffer.alloc(pixels + pixels / width);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const colour = bytes.readUIntBE(pixel * bytesPerPixel, 3) & 0xf0f0f0;
    const index = colours.get(colour) ?? colours.size;
    colours.set(colour, index);
    rows[pixel + Math.floor(pixel / width) + 1] = index;
  }
  if (colours.size > 256) throw new RangeError(`the picture has ${colours.size} colours`);
  // 0xf0 stands for 0xff.
  const palette = Buffer.from(
    [...colours.keys()].flatMap((colour) =>
      [16, 8, 0].map((shift) => (((colour >> shift) & 0xf0) / 0xf0) * 0xff),
    ),
  );
  return { palette, rows };
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly note: string | undefined;
}

export function readPicture(png: Buffer): Picture {
  const chunks = chunksOf(png);
  const [header] = chunks;
  if (header?.type !== 'IHDR') throw new TypeError('not a PNG');
  const text = chunks.find(({ type }) => type === 'tEXt')?.data.toString('latin1');
  const { data } = header;
  return { width: data.readUInt32BE(0), height: data.readUInt32BE(4), note: text?.split('\0')[1] };
}

function chunksOf(png: Buffer): readonly Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = signature.length; at < png.length;) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return chunks;
}

function encoded({ type, data }: Chunk): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(data.length, 0);
  around.writeUInt32BE(crc32(content), 4);
  return Buffer.concat([around.subarray(0, 4), content, around.subarray(4)]);
}
