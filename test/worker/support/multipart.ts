/** Multipart bodies by hand, and streams cut as a test wants. */

export const BOUNDARY = 'xBOUNDARYx';
export const CONTENT_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

export interface Part {
  readonly name: string;
  readonly fileName?: string;
  readonly type?: string;
  readonly content: string | Uint8Array;
}

const encoder = new TextEncoder();

/** The bytes of a whole body. */
export function multipart(parts: readonly Part[], boundary = BOUNDARY): Uint8Array {
  const pieces = parts.flatMap(({ name, fileName, type, content }) => [
    encoder.encode(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"` +
        `${fileName === undefined ? '' : `; filename="${fileName}"`}` +
        `${type === undefined ? '' : `\r\nContent-Type: ${type}`}\r\n\r\n`,
    ),
    typeof content === 'string' ? encoder.encode(content) : content,
    encoder.encode('\r\n'),
  ]);
  return concat([...pieces, encoder.encode(`--${boundary}--\r\n`)]);
}

export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The same bytes in pieces of these sizes, again and again. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? bytes.length;
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

/** A body that comes in these pieces; `fault` ends it in place of its end. */
export function streamOf(pieces: readonly Uint8Array[], fault?: Error): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    pull(controller) {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (fault !== undefined) controller.error(fault);
      else controller.close();
    },
  });
}

/** The kind of the fault that a promise rejects with. */
export async function faultOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error && 'error' in error ? error.error : error;
  }
  throw new Error('it went well');
}
