const newline = 0x0a;

/**
 * Cuts a stream of bytes into lines. It cuts bytes, not text: in UTF-8 a newline byte is never part of another
 * character, so a chunk may end anywhere. The last line counts only with its newline: without, the stream was cut off.
 */
export function createLineCutter(): (chunk: Buffer) => string[] {
  let begun: Buffer[] = [];
  return (chunk) => {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      const last = chunk.subarray(start, end);
      lines.push((begun.length === 0 ? last : Buffer.concat([...begun, last])).toString('utf8'));
      begun = [];
      start = end + 1;
    }
    if (start < chunk.length) begun.push(chunk.subarray(start));
    return lines.filter((line) => line.trim() !== '');
  };
}
