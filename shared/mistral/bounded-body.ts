/** Reading what an upstream sends, never more than a limit, and not after an abort. */
import { untilAborted } from '#shared/abort-after.ts';

/** The chunks of a body; null in place of the chunk that goes over the limit, and then nothing more. */
export async function* readBytes(
  response: Response,
  maxBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array | null, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let total = 0;
  try {
    for (;;) {
      const { done, value } = await untilAborted(reader.read(), signal);
      if (done) return;
      total += value.byteLength;
      if (total > maxBytes) {
        yield null;
        return;
      }
      yield value;
    }
  } finally {
    // What is left is not wanted; without this the connection would stay open.
    reader.cancel().catch(() => {});
  }
}

/** The whole body as text; null when it is longer. */
export async function readText(
  response: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<string | null> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  for await (const chunk of readBytes(response, maxBytes, signal)) {
    if (chunk === null) return null;
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join('');
}
