/** Controls, format characters (bidirectional, invisible), lone surrogates, what is unassigned, ends of lines and odd spaces. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

/**
 * Text of anybody as one line that people read: it can neither begin a line of its own, nor steer the terminal, nor change the
 * order or the look of what stands beside it. What could do that is written as in JSON (`\n`, `\u202e`).
 */
export function printable(text: string): string {
  return text.replaceAll(unprintable, (character) => {
    const json = JSON.stringify(character).slice(1, -1);
    return json === character ? escaped(character) : json;
  });
}

/** One line of JSON in which nothing but ASCII is left: it is still the same JSON. */
export function asciiJson(json: string): string {
  return json.replaceAll(/[\u007f-\uffff]/g, escaped);
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
