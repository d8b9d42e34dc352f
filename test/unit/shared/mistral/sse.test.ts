import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSseParser, DEFAULT_SSE_LIMITS, type SseEvent } from '#shared/mistral/sse.ts';

const ENCODER = new TextEncoder();

/** The events of a text, its bytes cut before these places. */
function parse(text: string, cuts: readonly number[] = []): SseEvent[] {
  const bytes = ENCODER.encode(text);
  const parser = createSseParser();
  const events: SseEvent[] = [];
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  for (const [index, end] of places.slice(1).entries()) {
    const result = parser.push(bytes.subarray(places[index], end));
    if (!result.ok) throw new Error(result.error.kind);
    events.push(...result.value);
  }
  return events;
}

/** Text without line ends, as data may hold it. */
const LINE = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((it) => it.replaceAll(/[\r\n]/g, ''));

const EVENT = fc.record({
  event: LINE.filter((it) => it !== '' && !it.startsWith(' ')),
  data: fc.array(LINE, { minLength: 1, maxLength: 3 }).map((lines) => lines.join('\n')),
});

const LINE_END = fc.constantFrom('\n', '\r\n', '\r');

function write({ event, data }: SseEvent, end: string, isCommented: boolean): string {
  const lines = data.split('\n').map((line) => `data: ${line}`);
  const comment = isCommented ? [': ping', ':', 'retry: 10', 'id: 5'] : [];
  return [...comment, `event: ${event}`, ...lines, '', ''].join(end);
}

describe('createSseParser', () => {
  it('finds the same events wherever the bytes are cut, and with any line ends', () => {
    const streams = fc.array(fc.tuple(EVENT, LINE_END, fc.boolean()), { maxLength: 5 });
    fc.assert(
      fc.property(streams, fc.array(fc.nat(400), { maxLength: 30 }), (parts, places) => {
        const text = parts
          .map(([event, end, isCommented]) => write(event, end, isCommented))
          .join('');
        const size = ENCODER.encode(text).length;
        const cuts = places.filter((place) => place <= size);
        expect(parse(text, cuts)).toEqual(parts.map(([event]) => event));
      }),
      { seed: 20261125, numRuns: 500 },
    );
  });

  it('finds the same events byte by byte', () => {
    const text = '\uFEFFevent: a\r\ndata: grüße 😀\r\n\r\ndata:two\r\rdata: 3\n\n';
    const everywhere = Array.from(ENCODER.encode(text).keys());
    expect(parse(text, everywhere)).toEqual([
      { event: 'a', data: 'grüße 😀' },
      { event: 'message', data: 'two' },
      { event: 'message', data: '3' },
    ]);
  });

  it('joins several data lines with line feeds, and strips one leading space of each', () => {
    expect(parse('data:  one\ndata:two\ndata\n\n')).toEqual([
      { event: 'message', data: ' one\ntwo\n' },
    ]);
  });

  it('passes over comments and events without data', () => {
    expect(parse(': ping\n\nevent: nothing\n\ndata: x\n\n')).toEqual([
      { event: 'message', data: 'x' },
    ]);
  });

  it('gives [DONE] as it is', () => {
    expect(parse('data: [DONE]\n\n')).toEqual([{ event: 'message', data: '[DONE]' }]);
  });

  it('gives no event that the end of the stream cuts off', () => {
    expect(parse('data: whole\n\ndata: half')).toEqual([{ event: 'message', data: 'whole' }]);
  });

  it('refuses a line over the limit, also one that never ends', () => {
    const parser = createSseParser({ ...DEFAULT_SSE_LIMITS, maxLineLength: 20 });
    expect(parser.push(ENCODER.encode('data: 0123456789')).ok).toBe(true);
    expect(parser.push(ENCODER.encode('0123456789'))).toEqual({
      ok: false,
      error: { kind: 'line_too_long', limit: 20 },
    });
    expect(parser.push(ENCODER.encode('\n\n')).ok).toBe(false);
  });

  it('refuses an event over the limit, made of short lines', () => {
    const parser = createSseParser({ ...DEFAULT_SSE_LIMITS, maxEventLength: 9 });
    expect(parser.push(ENCODER.encode('data: 1234\ndata: 5678\n')).ok).toBe(true);
    expect(parser.push(ENCODER.encode('data: 9\n'))).toEqual({
      ok: false,
      error: { kind: 'event_too_long', limit: 9 },
    });
  });
});
