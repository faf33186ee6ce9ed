// The fields of a Protocol Buffers message, as far as the container runtime's messages of container-runtime.ts need them.

/** A varint of one byte, or bytes of at most 127. */
export function field(number: number, value: number | Buffer): Buffer {
  if (typeof value === 'number') return Buffer.from([number << 3, value]);
  return Buffer.concat([Buffer.from([(number << 3) | lengthDelimited, value.length]), value]);
}

/** The values of a field of bytes, text or messages. */
export function fieldsOf(message: Buffer, number: number): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const type = tag & 7;
    if (type === 0) varint();
    else if (type === lengthDelimited) {
      const length = varint();
      if (tag >> 3 === number) found.push(message.subarray(at, at + length));
      at += length;
    } else throw new Error(`a message of the container runtime has a field of the wire type ${type}`);
  }
  return found;
}

const lengthDelimited = 2;
