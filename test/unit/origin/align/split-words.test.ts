import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitWords } from '#origin/align/split-words.ts';

/** Tokens given as text; a token's id is its place. Bytes of one character may be spread over tokens. */
function tokens(...parts: (string | readonly number[])[]) {
  const bytes = parts.map((part) =>
    Uint8Array.from(typeof part === 'string' ? Buffer.from(part) : part),
  );
  const decode = (ids: number[]): string =>
    new TextDecoder().decode(Buffer.concat(ids.map((id) => bytes[id]!)));
  return splitWords([...parts.keys()], decode);
}

const texts = (...parts: Parameters<typeof tokens>) => tokens(...parts).map(({ text }) => text);

describe('splitWords', () => {
  it('begins a word at a space and joins the parts of one', () => {
    expect(texts(' Mr', '.', ' Qu', 'il', 'ter')).toEqual(['Mr.', 'Quilter']);
  });

  it('gives punctuation to the word before it, but not its time', () => {
    const [first, second] = tokens(' consul', 'at', ',', ' il');
    expect(first).toEqual({ text: 'consulat,', spaceBefore: true, firstToken: 0, endToken: 2 });
    expect(second).toMatchObject({ text: 'il', firstToken: 3, endToken: 4 });
  });

  it('gives opening punctuation to the word after it, but not its time', () => {
    expect(texts(' dijo', ':', ' ¿', 'Qu', 'é', '?')).toEqual(['dijo:', '¿Qué?']);
    expect(texts(' he', ' said', ',', ' "', 'No', '."')).toEqual(['he', 'said,', '"No."']);
    expect(tokens(' (', 'ja', ')')[0]).toMatchObject({ text: '(ja)', firstToken: 1, endToken: 2 });
  });

  it('keeps the space French writes before a mark', () => {
    expect(texts(' Bonjour', ' !', ' Ça')).toEqual(['Bonjour !', 'Ça']);
  });

  it('keeps hyphens, apostrophes, decimals and symbols inside words', () => {
    expect(
      texts(' well', '-', 'known', ' don', "'", 't', ' 3', '.', '14', ' $', '5', ' &', ' Co'),
    ).toEqual(['well-known', "don't", '3.14', '$5', '&', 'Co']);
  });

  it('takes each token of whole characters as a word where no spaces are written', () => {
    expect(texts('今日', 'は', '、', '雨', 'です', '。')).toEqual(['今日', 'は、', '雨', 'です。']);
    expect(texts('「', 'は', 'い', '」', 'と')).toEqual(['「は', 'い」', 'と']);
  });

  it('waits until the bytes of a character are whole', () => {
    const [, rain] = tokens('は', [0xe9], [0x9b], [0xa8], '。');
    expect(rain).toEqual({ text: '雨。', spaceBefore: false, firstToken: 1, endToken: 4 });
  });

  it('keeps vowel signs with their letter', () => {
    expect(texts('ก', '\u0e33', 'ท', '\u0e35', '\u0e48')).toEqual(['ก\u0e33', 'ท\u0e35\u0e48']);
  });

  it('keeps Latin words and numbers whole within such scripts', () => {
    expect(texts('私', 'の', 'i', 'Phone', '15', 'は')).toEqual(['私', 'の', 'iPhone15', 'は']);
    expect(texts(' iPhone', ' 手', '机')).toEqual(['iPhone', '手', '机']);
  });

  it('knows a space that is a token of its own', () => {
    expect(tokens('สวัส', 'ดี', ' ', 'วัน').map((word) => word.spaceBefore)).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('leaves out tokens without text and bytes that never become a character', () => {
    expect(texts(' a', '', [0xff], ' b')).toEqual(['a', 'b']);
    expect(texts('')).toEqual([]);
  });

  it('keeps a text of punctuation only as one word', () => {
    expect(texts(' ...', '!')).toEqual(['...!']);
  });

  it('gives a space at the end of a token to the next word', () => {
    const [, second] = tokens('a ', '今');
    expect(second).toMatchObject({ text: '今', spaceBefore: true });
  });

  it('gives back the text, whatever its bytes and tokens', () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom(...' .,-"「」今はก¿éa1'),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      ),
    });
    fc.assert(
      fc.property(
        text.filter((t) => !t.includes('\ufffd')),
        fc.integer({ min: 1, max: 5 }),
        (t, size) => {
          const bytes = [...Buffer.from(t)];
          const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.slice(i * size, (i + 1) * size),
          );
          const words = tokens(...parts);
          const joined = words.map(({ text, spaceBefore }) => (spaceBefore ? ` ${text}` : text));
          const oneSpaceEach = (sample: string) => sample.replace(/\s+/g, ' ').trim();
          expect(oneSpaceEach(joined.join(''))).toBe(oneSpaceEach(t));
          for (const word of words) expect(word.firstToken).toBeLessThan(word.endToken);
          words.slice(1).forEach((word, i) => {
            expect(word.firstToken).toBeGreaterThanOrEqual(words[i]!.endToken);
          });
        },
      ),
    );
  });
});
