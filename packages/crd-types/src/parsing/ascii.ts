/**
 * In lower case, A to Z alone: `toLowerCase` makes a `k` of the Kelvin sign too, which no release took for one. Kit has the same function:
 * neither may import the other. tools/checks/one-spelling.property.test.ts finds a difference.
 */
export function lowerAscii(text: string): string {
  // Most texts are in ASCII, for which `toLowerCase` is right, and faster.
  return /[\u0080-\uffff]/.test(text)
    ? text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
    : text.toLowerCase();
}
