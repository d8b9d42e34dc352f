/**
 * Server-sent events, incrementally, as the HTML standard describes them: UTF-8, lines end with CR, LF or CRLF, events
 * with an empty line, wherever the bytes are split. Source: html.spec.whatwg.org, section 9.2.6.
 */
import { fail, ok, type Result } from '#shared/result.ts';

export interface SseEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  /** Its data lines, joined with line feeds. */
  readonly data: string;
}

export interface SseLimits {
  /** Longest line, in UTF-16 units. */
  readonly maxLineLength: number;
  /** Most data of one event, in UTF-16 units. */
  readonly maxEventLength: number;
}

export type SseFault =
  | { readonly kind: 'line_too_long'; readonly limit: number }
  | { readonly kind: 'event_too_long'; readonly limit: number };

export interface SseParser {
  /** The events that these bytes complete. After a fault the parser takes nothing more. */
  push(bytes: Uint8Array): Result<readonly SseEvent[], SseFault>;
}

export const DEFAULT_SSE_LIMITS: SseLimits = {
  maxLineLength: 16_000_000,
  maxEventLength: 16_000_000,
};

/** An event that the end of the stream cuts off is no event, so there is nothing to do at the end. */
export function createSseParser(limits: SseLimits = DEFAULT_SSE_LIMITS): SseParser {
  const decoder = new TextDecoder();
  const lines = createLineSplitter(limits.maxLineLength);
  const builder = createEventBuilder(limits.maxEventLength);
  let fault: SseFault | null = null;
  return {
    push(bytes) {
      const events: SseEvent[] = [];
      if (fault === null) {
        fault = lines.push(decoder.decode(bytes, { stream: true }), (line) =>
          builder.takeLine(line, events),
        );
      }
      return fault === null ? ok(events) : fail(fault);
    },
  };
}

type TakeLine = (line: string) => SseFault | null;

function createLineSplitter(maxLength: number) {
  // Kept as parts: joining at every push would make a long line in small chunks slow.
  let parts: string[] = [];
  let length = 0;
  let endedWithReturn = false;

  function keep(part: string): SseFault | null {
    length += part.length;
    if (part !== '') parts.push(part);
    return length > maxLength ? { kind: 'line_too_long', limit: maxLength } : null;
  }

  return {
    push(text: string, take: TakeLine): SseFault | null {
      if (text === '') return null;
      let start = endedWithReturn && text.startsWith('\n') ? 1 : 0;
      endedWithReturn = text.endsWith('\r');
      const ends = /\r\n|\r|\n/g;
      ends.lastIndex = start;
      for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
        const fault = keep(text.slice(start, end.index)) ?? take(parts.join(''));
        if (fault !== null) return fault;
        parts = [];
        length = 0;
        start = ends.lastIndex;
      }
      return keep(text.slice(start));
    },
  };
}

function createEventBuilder(maxLength: number) {
  let name = '';
  let data: string[] = [];
  let length = 0;

  return {
    takeLine(line: string, events: SseEvent[]): SseFault | null {
      if (line === '') {
        if (data.length > 0) events.push({ event: name || 'message', data: data.join('\n') });
        name = '';
        data = [];
        length = 0;
        return null;
      }
      const [field, value] = splitField(line);
      if (field === 'event') name = value;
      if (field !== 'data') return null;
      data.push(value);
      length += value.length + 1;
      return length - 1 > maxLength ? { kind: 'event_too_long', limit: maxLength } : null;
    },
  };
}

/** A comment has the empty name. */
function splitField(line: string): readonly [field: string, value: string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
