const mostCharacters = 200;

/**
 * Text of an object in quotes, for messages: in ASCII, since some letters look like others, and shortened, since an author can make it
 * long. `nothing` if it is empty.
 */
export function quote(text: string): string {
  const cut = text.length > mostCharacters ? `${text.slice(0, mostCharacters)}...` : text;
  return text === '' ? 'nothing' : JSON.stringify(cut).replaceAll(/[^\x20-\x7e]/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Refuses letters that look like others, or that lower case turns into others: two ids could look or become equal. */
export function foreignFault(text: string): string | undefined {
  const found = /[^\x20-\x7e]/u.exec(text)?.[0];
  if (found === undefined) return undefined;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `has a character other than printable ASCII, U+${code}: ids are read in ASCII only, as some letters look like others; got ${quote(text)}`;
}
