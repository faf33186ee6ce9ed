/** Control and format characters (bidirectional, invisible), lone surrogates, unassigned characters, line ends and unusual spaces. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

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
