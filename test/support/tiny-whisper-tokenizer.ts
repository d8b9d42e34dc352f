import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a tiny model directory shall say of itself. */
export interface TinyTokenizerOptions {
  /** Codes in order; none: English-only, in the way the `.en` models say so. */
  readonly languages: readonly string[];
  /** Leave `lang_to_id` out, so that the tokens themselves must tell. */
  readonly withoutLanguageMap?: boolean;
}

/**
 * Writes the three tokenizer files of a Whisper model whose text tokens are the 256 bytes and a few merges, in the
 * layout of the published ones.
 */
export async function writeTinyTokenizer(
  directory: string,
  { languages, withoutLanguageMap = false }: TinyTokenizerOptions,
): Promise<void> {
  const spellings = [...byteSpellings(), 'Ġa', 'nd', 'Ġand'];
  const vocab = Object.fromEntries(spellings.map((spelling, id) => [spelling, id]));
  const languageTokens = languages.map((code) => `<|${code}|>`);
  const specials = [
    '<|endoftext|>',
    '<|startoftranscript|>',
    ...languageTokens,
    '<|translate|>',
    '<|transcribe|>',
    '<|startoflm|>',
    '<|startofprev|>',
    '<|nospeech|>',
    '<|notimestamps|>',
  ];
  const added = specials.map((content, index) => ({
    id: spellings.length + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const idOf = new Map(added.map(({ content, id }) => [content, id]));
  const isMultilingual = languages.length > 0;
  const files = {
    'tokenizer.json': {
      version: '1.0',
      added_tokens: added,
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
      model: { type: 'BPE', vocab, merges: ['Ġ a', 'n d', 'Ġa nd'] },
    },
    'generation_config.json': {
      is_multilingual: isMultilingual,
      suppress_tokens: [1, 2],
      begin_suppress_tokens: [220, idOf.get('<|endoftext|>')],
      ...(isMultilingual && !withoutLanguageMap
        ? {
            lang_to_id: Object.fromEntries(languageTokens.map((token) => [token, idOf.get(token)])),
          }
        : {}),
    },
    'config.json': { vocab_size: spellings.length + added.length, max_target_positions: 448 },
  };
  await mkdir(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), JSON.stringify(content));
  }
}

/** The alphabet of byte-level BPE in vocabulary order: printable Latin-1 first, then the others from U+0100 on. */
function byteSpellings(): string[] {
  const printable: string[] = [];
  for (let byte = 0x21; byte <= 0xff; byte++) {
    if (byte <= 0x7e || (byte >= 0xa1 && byte !== 0xad)) printable.push(String.fromCharCode(byte));
  }
  const others = Array.from({ length: 256 - printable.length }, (_, i) =>
    String.fromCharCode(0x100 + i),
  );
  return [...printable, ...others];
}
