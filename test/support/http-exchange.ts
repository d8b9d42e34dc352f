/** Bytes to a socket, answers from it: for requests that `fetch` would never send, or never like this. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface RawAnswer {
  readonly status: number;
  /** By name in lower case; of a repeated header the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** As text, unpacked. */
  readonly body: string;
}

export interface ExchangeOptions {
  /** Final answers to wait for. Default 1. */
  readonly answers?: number;
  readonly host?: string;
}

/**
 * Writes the pieces on one connection and reads until the answers are whole, or the other side closes: then there may be
 * fewer of them. Interim answers (1xx) are left out. The connection is closed at the end.
 */
export async function exchange(
  port: number,
  pieces: Iterable<string | Uint8Array>,
  options: ExchangeOptions = {},
): Promise<RawAnswer[]> {
  const { answers: wanted = 1, host = '127.0.0.1' } = options;
  const socket = connect({ port, host });
  await once(socket, 'connect');
  const answers = readAnswers(socket, wanted);
  for (const piece of pieces) socket.write(piece);
  await answers;
  socket.destroy();
  return answers;
}

function readAnswers(socket: Socket, wanted: number): Promise<RawAnswer[]> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer[]>();
  const answers: RawAnswer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  const take = (isEnd: boolean) => {
    while (answers.length < wanted) {
      const parsed = parseAnswer(bytes, isEnd);
      if (parsed === null) return;
      bytes = parsed.rest;
      if (parsed.answer.status >= 200) answers.push(parsed.answer);
    }
    resolve(answers);
  };
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    take(false);
  });
  // Whoever refuses a body may reset the connection while we write; what came before that counts.
  socket.on('error', () => {});
  socket.on('close', () => {
    take(true);
    resolve(answers);
  });
  return promise;
}

interface Parsed {
  readonly answer: RawAnswer;
  readonly rest: Buffer;
}

/** Null while the answer is not whole. */
function parseAnswer(bytes: Buffer, isEnd: boolean): Parsed | null {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return null;
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = new Map(lines.map(splitHeader));
  const status = Number(statusLine.split(' ')[1]);
  const body = readBody(bytes.subarray(headEnd + 4), { status, headers, isEnd });
  if (body === null) return null;
  const isPacked = headers.get('content-encoding') === 'gzip' && body.content.length > 0;
  const text = String(isPacked ? gunzipSync(body.content) : body.content);
  return { answer: { status, headers, body: text }, rest: body.rest };
}

function splitHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

interface BodyContext extends Pick<RawAnswer, 'status' | 'headers'> {
  readonly isEnd: boolean;
}

interface Body {
  readonly content: Buffer;
  readonly rest: Buffer;
}

const NOTHING = Buffer.alloc(0);

function readBody(bytes: Buffer, { status, headers, isEnd }: BodyContext): Body | null {
  if (status < 200 || status === 204 || status === 304) return { content: NOTHING, rest: bytes };
  if (headers.get('transfer-encoding') === 'chunked') return readChunked(bytes);
  const announced = headers.get('content-length');
  if (announced === undefined) return isEnd ? { content: bytes, rest: NOTHING } : null;
  const length = Number(announced);
  if (bytes.length < length) return null;
  return { content: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function readChunked(bytes: Buffer): Body | null {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const start = lineEnd + 2;
    if (bytes.length < start + size + 2) return null;
    parts.push(bytes.subarray(start, start + size));
    at = start + size + 2;
    if (size === 0) return { content: Buffer.concat(parts), rest: bytes.subarray(at) };
  }
}
