import type { AuthWorld } from '#test/support/auth-world.ts';

/** One request in bad faith, and what may come of it. */
export interface HostileCase {
  readonly name: string;
  readonly request: (world: HostileWorld) => Sent | Promise<Sent>;
  /** One of these, at the edge and at the origin. */
  readonly status: readonly number[];
  /** In place of `status` where they differ. A 500 is workerd's own, which Cloudflare's front keeps from it. */
  readonly origin?: readonly number[];
  readonly edge?: readonly number[];
  /** Where it makes sense at one of them only. */
  readonly only?: 'origin' | 'edge';
  /** `code` of the answer, where it is ours. */
  readonly code?: string;
  /**
   * Who is meant to refuse it. `server`: Node or workerd, before our code sees it; such an answer has a body of their own
   * kind or none, or the connection is closed without one. Default `app`.
   */
  readonly refusedBy?: 'app' | 'server';
  /** Keys and tokens in it that nobody may repeat. */
  readonly secrets?: readonly string[];
}

/** A request, or bytes that are none. */
export interface Sent {
  readonly method?: string;
  /** Default `/transcribe`. */
  readonly path?: string;
  /** Lines, after `Host` and the good key. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | string;
  /** Of HTTP. Default 1.1. */
  readonly version?: string;
  /** Replaces `Host: stt.test`; null leaves it out. */
  readonly host?: string | null;
  /** Replaces the header with the good key; null leaves it out. */
  readonly key?: string | null;
  /** Replaces the `Content-Length` of the body's real length; null leaves it out. */
  readonly length?: string | null;
}

/** What cases may need to be good in all but one thing. */
export interface HostileWorld {
  readonly key: string;
  readonly internalKey: string;
  readonly auth: AuthWorld;
  /** The largest file, in bytes; the same on both sides. */
  readonly maxUploadBytes: number;
}

/** Bytes of the request. */
export function write(sent: Sent, world: HostileWorld): Buffer {
  const { method = 'POST', path = '/transcribe', headers = [], body, version = '1.1' } = sent;
  const { host = 'Host: stt.test', key = `X-API-Key: ${world.key}` } = sent;
  const content = typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body ?? '');
  const real = body === undefined ? null : `Content-Length: ${content.length}`;
  const { length = real } = sent;
  const given = [host, key, length].filter((line) => line !== null);
  const lines = [`${method} ${path} HTTP/${version}`, ...given, ...headers, '', ''];
  // Latin-1: every byte can be written, whether a header may have it or not.
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), content]);
}

export const BOUNDARY = 'hostile-boundary';
export const FORM_TYPE = `Content-Type: multipart/form-data; boundary=${BOUNDARY}`;

/** One part of a form. */
export function part(head: string, content: Uint8Array | string = 'x'): Buffer {
  const start = Buffer.from(`--${BOUNDARY}\r\n${head}\r\n\r\n`);
  return Buffer.concat([start, Buffer.from(content as Uint8Array), Buffer.from('\r\n')]);
}

export const END = `--${BOUNDARY}--\r\n`;

export function field(name: string, value: string): Buffer {
  return part(`Content-Disposition: form-data; name="${name}"`, value);
}

export function file(content: Uint8Array | string, fileName = 'a.wav', name = 'file'): Buffer {
  return part(`Content-Disposition: form-data; name="${name}"; filename="${fileName}"`, content);
}

export function form(...parts: readonly (Uint8Array | string)[]): Sent {
  const pieces = [...parts, END].map((piece) => Buffer.from(piece as Uint8Array));
  return { headers: [FORM_TYPE], body: Buffer.concat(pieces) };
}

/** A body of which nobody has said how long it is. */
export function inChunks(sent: Sent, chunkBytes = 65_536): Sent {
  const content = Buffer.from((sent.body ?? '') as Uint8Array);
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; at += chunkBytes) {
    const piece = content.subarray(at, at + chunkBytes);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  const headers = [...(sent.headers ?? []), 'Transfer-Encoding: chunked'];
  return {
    ...sent,
    headers,
    body: Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')]),
    length: null,
  };
}

/** 1/20 s of silence: the least that is a recording. */
export const SILENCE = wav(1600);

/** A WAV file whose header says what it likes. */
export function wav(dataBytes: number, changes: { dataSize?: number; rate?: number } = {}): Buffer {
  const { dataSize = dataBytes, rate = 16_000 } = changes;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(Math.min(0xffffffff, 36 + dataSize), 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(Math.min(0xffffffff, rate * 2), 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(dataSize, 40);
  return Buffer.concat([head, Buffer.alloc(dataBytes)]);
}
