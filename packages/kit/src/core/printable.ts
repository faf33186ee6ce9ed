/**
 * Control and format characters (bidirectional, invisible), lone surrogates, unassigned characters, line ends, unusual spaces, and letters,
 * signs and marks that cannot be seen. Other marks stay where they are the first four on a letter: languages need no more, and on what
 * stands beside the text, or in a pile, they change how that looks.
 */
const unprintable =
  /[\u{16fe4}\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}\u{13441}\u{13442}]|(?! )\p{Zs}|\p{M}(?<!\p{L}\p{M}{1,4})/gu;

/**
 * Makes untrusted text safe to print in a line: characters that could start a new line, control the terminal or change the order or
 * appearance of the text beside it are escaped as in JSON (`\n`, `\u202e`).
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => {
    const json = JSON.stringify(character).slice(1, -1);
    return json === character ? escaped(character) : json;
  });
}

/** The same JSON in ASCII only. */
export function asciiJson(json: string): string {
  return json.replaceAll(/[\u007f-\uffff]/g, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
