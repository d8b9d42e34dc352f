/**
 * Bytes of a multipart body → events, however the bytes were cut. Pure, one pass, nothing is held but the head of one
 * part and the few bytes that may begin a boundary. Own code, because the libraries that run in workerd collect each
 * part before they hand it out, and a recording has 100 MB.
 * Source: RFC 2046 §5.1.1 (boundaries), RFC 7578 (form data).
 */
import { type PartHead, parsePartHead } from '#edge-worker/upload/part-head.ts';
import { SttException } from '#shared/errors.ts';

/** `bytes` is a view of what was pushed, never empty. */
export type ScanEvent =
  | { readonly kind: 'part'; readonly head: PartHead }
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  | { readonly kind: 'part-end' };

export interface ScanLimits {
  readonly maxParts: number;
  /** Of one part's head. */
  readonly maxHeadBytes: number;
}

/** Reads one body. After a fault it must not be used again. */
export class MultipartScanner {
  readonly #delimiter: Uint8Array;
  readonly #limits: ScanLimits;
  readonly #head: Uint8Array;
  #headLength = 0;
  #parts = 0;
  /** `preamble` and `body` search for the delimiter; `line` is the rest of its line. */
  #state: 'preamble' | 'line' | 'head' | 'body' | 'end' = 'preamble';
  /** The line after a delimiter, as far as it has come: padding left out. */
  #line = '';
  #padding = 0;
  /** Bytes that may begin a delimiter. The first one needs no line break before it, so here is one. */
  #carry: Uint8Array = CRLF;

  constructor(boundary: string, limits: ScanLimits) {
    this.#delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
    this.#limits = limits;
    this.#head = new Uint8Array(limits.maxHeadBytes);
  }

  /** @throws SttException malformed_body */
  push(chunk: Uint8Array): ScanEvent[] {
    const events: ScanEvent[] = [];
    const bytes = join(this.#carry, chunk);
    this.#carry = NOTHING;
    let at = 0;
    while (at < bytes.length && this.#state !== 'end') {
      if (this.#state === 'line') at = this.#readLine(bytes, at);
      else if (this.#state === 'head') at = this.#readHead(bytes, at, events);
      else at = this.#readBody(bytes, at, events);
    }
    return events;
  }

  /** Tells that no more bytes come. @throws SttException malformed_body when the last boundary is missing */
  end(): void {
    if (this.#state !== 'end') throw malformed('it ends before its last boundary');
  }

  #readBody(bytes: Uint8Array, from: number, events: ScanEvent[]): number {
    const found = findDelimiter(bytes, from, this.#delimiter);
    const isBody = this.#state === 'body';
    if (isBody && found.at > from) {
      events.push({ kind: 'data', bytes: bytes.subarray(from, found.at) });
    }
    if (!found.isWhole) {
      this.#carry = bytes.slice(found.at);
      return bytes.length;
    }
    if (isBody) events.push({ kind: 'part-end' });
    this.#state = 'line';
    this.#line = '';
    this.#padding = 0;
    return found.at + this.#delimiter.length;
  }

  /** After a delimiter: two hyphens for the end, or a line break; blanks may stand before it. */
  #readLine(bytes: Uint8Array, from: number): number {
    const code = bytes[from] ?? 0;
    if ((code === SPACE || code === TAB) && this.#line === '') {
      this.#padding += 1;
      if (this.#padding > MAX_PADDING_BYTES) throw malformed('a boundary has too many blanks');
      return from + 1;
    }
    this.#line += String.fromCharCode(code);
    if (this.#line === '\r\n') this.#startHead();
    else if (this.#line === '--' && this.#padding === 0) this.#state = 'end';
    else if (this.#line !== '\r' && this.#line !== '-') {
      throw malformed('a boundary is followed by other text');
    }
    return from + 1;
  }

  #startHead(): void {
    this.#parts += 1;
    if (this.#parts > this.#limits.maxParts) {
      throw malformed(`it has more than ${this.#limits.maxParts} parts`);
    }
    this.#state = 'head';
    // The boundary's own line break: a head without any line is then an empty line as well.
    this.#head.set(CRLF);
    this.#headLength = CRLF.length;
  }

  #readHead(bytes: Uint8Array, from: number, events: ScanEvent[]): number {
    for (let at = from; at < bytes.length; at += 1) {
      if (this.#headLength === this.#head.length) {
        throw malformed(`the head of a part is longer than ${this.#limits.maxHeadBytes} bytes`);
      }
      this.#head[this.#headLength] = bytes[at] ?? 0;
      this.#headLength += 1;
      if (bytes[at] === LF && endsWithEmptyLine(this.#head, this.#headLength)) {
        const text = new TextDecoder().decode(this.#head.subarray(0, this.#headLength));
        events.push({ kind: 'part', head: parsePartHead(text) });
        this.#state = 'body';
        return at + 1;
      }
    }
    return bytes.length;
  }
}

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const CRLF = new Uint8Array([CR, LF]);
const NOTHING = new Uint8Array(0);
const MAX_PADDING_BYTES = 64;

/**
 * The first place from `from` on where the delimiter stands, or where the bytes end in its beginning. A delimiter has
 * one CR, its first byte, so a search never has to go back: linear for any bytes.
 */
function findDelimiter(
  bytes: Uint8Array,
  from: number,
  delimiter: Uint8Array,
): { at: number; isWhole: boolean } {
  let at = bytes.indexOf(CR, from);
  while (at !== -1) {
    let length = 1;
    while (length < delimiter.length && bytes[at + length] === delimiter[length]) length += 1;
    if (length === delimiter.length) return { at, isWhole: true };
    if (at + length >= bytes.length) return { at, isWhole: false };
    at = bytes[at + length] === CR ? at + length : bytes.indexOf(CR, at + length);
  }
  return { at: bytes.length, isWhole: false };
}

function endsWithEmptyLine(head: Uint8Array, length: number): boolean {
  return head[length - 2] === CR && head[length - 3] === LF && head[length - 4] === CR;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function malformed(problem: string): SttException {
  return new SttException({ kind: 'malformed_body', problem });
}
