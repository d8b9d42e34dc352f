import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MultipartScanner, type ScanEvent } from '#edge-worker/upload/multipart-scanner.ts';
import { BOUNDARY, concat, cut, multipart } from '#test/worker/support/multipart.ts';

const LIMITS = { maxParts: 20, maxHeadBytes: 1024 };
const text = (value: string) => new TextEncoder().encode(value);

interface ReadPart {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly content: Uint8Array;
}

/** The parts that a scanner finds when the bytes come in these pieces. */
function scan(pieces: readonly Uint8Array[], boundary = BOUNDARY): ReadPart[] {
  const scanner = new MultipartScanner(boundary, LIMITS);
  const events: ScanEvent[] = pieces.flatMap((piece) => {
    return scanner.push(piece).map((event) =>
      // Copied, because a property gives the same bytes again.
      event.kind === 'data' ? { ...event, bytes: event.bytes.slice() } : event,
    );
  });
  scanner.end();
  const parts: { head: { name: string; fileName?: string }; pieces: Uint8Array[] }[] = [];
  let isOpen = false;
  for (const event of events) {
    expect(isOpen).toBe(event.kind !== 'part');
    if (event.kind === 'part') parts.push({ head: event.head, pieces: [] });
    if (event.kind === 'data') parts.at(-1)?.pieces.push(event.bytes);
    isOpen = event.kind !== 'part-end';
  }
  return parts.map(({ head, pieces: content }) => {
    return { name: head.name, fileName: head.fileName, content: concat(content) };
  });
}

/** Bytes that look like boundaries, and others. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom('\r', '\n', '\r\n', '-', '\r\n--', `\r\n--${BOUNDARY.slice(0, -1)}`, BOUNDARY)
        .map(text),
      fc
        .constantFrom(`--${BOUNDARY}`, `\n--${BOUNDARY}--`, `\r\r\n--${BOUNDARY.slice(1)}`)
        .map(text),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => concat(pieces))
  // At its very beginning the boundary would follow the head's line break.
  .filter((bytes) => !new TextDecoder('latin1').decode(bytes).includes(`\r\n--${BOUNDARY}`));

const parts = fc.array(
  fc.record({
    name: fc.constantFrom('file', 'language', 'a b', 'x[]', 'ü'),
    fileName: fc.option(fc.constantFrom('a.wav', '', 'ß "x".mp3'.replaceAll('"', "'")), {
      nil: undefined,
    }),
    content,
  }),
  { maxLength: 6 },
);

describe('MultipartScanner', () => {
  it('finds the same parts however the bytes are cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 });
    const rule = fc.property(parts, sizes, (sent, pieces) => {
      const plain = sent.map(({ fileName, ...part }) => {
        return fileName === undefined ? part : { ...part, fileName };
      });
      const found = scan(cut(multipart(plain), pieces));
      expect(found).toEqual(sent);
    });
    fc.assert(rule, { seed: 5, numRuns: 400 });
  });

  it('never holds more than a boundary: all but its length is given out at once', () => {
    const rule = fc.property(content, (bytes) => {
      const scanner = new MultipartScanner(BOUNDARY, LIMITS);
      scanner.push(text(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"\r\n\r\n`));
      const given = scanner.push(bytes);
      const length = given.reduce((sum, it) => sum + (it.kind === 'data' ? it.bytes.length : 0), 0);
      expect(length).toBeGreaterThanOrEqual(bytes.length - BOUNDARY.length - 4);
    });
    fc.assert(rule, { seed: 5 });
  });

  it('skips text before the first and after the last boundary', () => {
    const body = concat([
      text('hello\r\n--xBOUND\r\n'),
      text('\r\n'),
      multipart([{ name: 'a', content: '1' }]),
      text('\r\n--bye'),
    ]);
    expect(scan([body])).toHaveLength(1);
  });

  it('allows blanks after a boundary', () => {
    const head = `--${BOUNDARY} \t\r\nContent-Disposition: form-data; name="a"\r\n\r\n1`;
    expect(scan([text(`${head}\r\n--${BOUNDARY}--`)])).toMatchObject([{ name: 'a' }]);
  });

  it('takes a body without parts', () => {
    expect(scan([text(`--${BOUNDARY}--`)])).toEqual([]);
  });

  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n`;
  it.each([
    ['nothing at all', '', 'ends before its last boundary'],
    ['no boundary', 'just text', 'ends before its last boundary'],
    ['an end inside a part', `${head}\r\nabc`, 'ends before its last boundary'],
    ['an end inside a head', head, 'ends before its last boundary'],
    ['half of the last boundary', `${head}\r\nabc\r\n--${BOUNDARY}-`, 'ends before'],
    ['text behind a boundary', `--${BOUNDARY}x\r\n`, 'followed by other text'],
    ['a long row of blanks', `--${BOUNDARY}${' '.repeat(65)}`, 'too many blanks'],
    ['a head that is too long', `${head}X: ${'y'.repeat(1100)}`, 'longer than 1024 bytes'],
    ['too many parts', `${head}\r\n1\r\n`.repeat(21), 'more than 20 parts'],
  ])('refuses %s', (_name, body, problem) => {
    expect(() => scan([text(body)])).toThrow(problem);
  });
});
