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
