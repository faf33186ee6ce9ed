import { rename, writeFile } from 'node:fs/promises';

/** Another process that reads the same file never sees half of it. Returns the file. */
export async function writeWhole(file: string, content: Buffer | string): Promise<string> {
  const unfinished = `${file}.${process.pid}`;
  await writeFile(unfinished, content);
  await rename(unfinished, file);
  return file;
}
