/**
 * Token id → bytes, for Whisper's byte-level BPE. Decoding is a look-up and a join, so it needs no tokenizer
 * object; and it stays exact where one character's bytes are spread over several tokens.
 */
export interface ByteVocabulary {
  /** The text of tokens; ids that are no text give nothing. An unfinished or broken character at either end becomes U+FFFD. */
  decode(ids: Iterable<number>): string;
}

/**
 * @param vocabulary token text as BPE files spell it (one printable character a byte) → id
 * @param textEnd first id that is no text: `<|endoftext|>`; ids from there on decode to nothing
 */
export function createByteVocabulary(
  vocabulary: Readonly<Record<string, number>>,
  textEnd: number,
): ByteVocabulary {
  const byteOf = byteAlphabet();
  const spellings = new Array<string>(textEnd).fill('');
  for (const spelling in vocabulary) {
    const id = vocabulary[spelling]!;
    if (id < textEnd) spellings[id] = spelling;
  }
  const bytesOf = (id: number): Uint8Array =>
    Uint8Array.from(spellings[id] ?? '', (character) => byteOf.get(character) ?? UNKNOWN_BYTE);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return {
    decode: (ids) => decoder.decode(Buffer.concat(Array.from(ids, bytesOf))),
  };
}

/** "?": no vocabulary spells a byte outside the alphabet; a broken file shall not throw in the middle of a job. */
const UNKNOWN_BYTE = 0x3f;

/**
 * Byte-level BPE writes a byte as the Latin-1 character of that number where this is printable; the other 68 take
 * the characters from U+0100 on, in order. Source: GPT-2's `bytes_to_unicode`.
 */
function byteAlphabet(): Map<string, number> {
  const byteOf = new Map<string, number>();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const isPrintable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    byteOf.set(String.fromCharCode(isPrintable ? byte : next++), byte);
  }
  return byteOf;
}
