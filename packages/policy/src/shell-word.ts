/** A text as one word of a POSIX shell: ids and names of others may have characters that shells interpret. */
export function shellWord(text: string): string {
  return /^[\w:/.,@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
