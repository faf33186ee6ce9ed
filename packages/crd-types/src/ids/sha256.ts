// SHA-256 in hexadecimal, for names: it hides nothing. In one step also in browsers, whose own is asynchronous. Bundled into the library.
// Its notice is in README.md: bundlers keep a comment with a notice in bundles that use nothing of the library.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** The SHA-256 of the text in UTF-8, as 64 hexadecimal digits. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
