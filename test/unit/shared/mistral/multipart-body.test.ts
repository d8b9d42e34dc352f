import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMultipartBody, type FilePart } from '#shared/mistral/multipart-body.ts';

const BOUNDARY = 'mana-stt-boundary';

/** A stream of these chunks that counts how many were asked for. */
function chunks(list: readonly Uint8Array[]) {
  const seen = { pulled: 0, isCancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = list[seen.pulled];
        seen.pulled += 1;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel() {
        seen.isCancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { seen, file: { stream, name: 'a.wav', type: 'audio/wav' } satisfies FilePart };
}

describe('createMultipartBody', () => {
  it('is read back by a standard parser, whatever the fields and chunks', async () => {
    const value = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .map((it) => it.replaceAll(/[\r\n]/g, ' '));
    const fields = fc.array(fc.tuple(fc.constantFrom('model', 'context_bias'), value));
    const parts = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fields, parts, fc.boolean(), async (given, list, isSized) => {
        const size = list.reduce((total, it) => total + it.byteLength, 0);
        const file = { ...chunks(list).file, ...(isSized && { sizeBytes: size }) };
        const made = createMultipartBody(given, file, BOUNDARY);
        const bytes = new Uint8Array(await new Response(made.body).arrayBuffer());
        if (made.contentLength !== null) expect(bytes.byteLength).toBe(made.contentLength);
        const headers = { 'Content-Type': made.contentType };
        const form = await new Response(bytes, { headers }).formData();
        const sent = [...form].flatMap(([name, it]) =>
          typeof it === 'string' ? [[name, it]] : [],
        );
        expect(sent).toEqual(given);
        const back = form.get('file');
        if (back === null || typeof back === 'string') throw new Error('no file');
        expect(new Uint8Array(await back.arrayBuffer())).toEqual(
          new Uint8Array(await new Blob(list).arrayBuffer()),
        );
      }),
      { seed: 6, numRuns: 100 },
    );
  });

  it('takes a chunk of the file only when somebody wants one', async () => {
    const { seen, file } = chunks(Array.from({ length: 1600 }, () => new Uint8Array(65_536)));
    const reader = createMultipartBody([], file, BOUNDARY).body.getReader();
    expect(seen.pulled).toBe(0);
    await reader.read();
    expect(seen.pulled).toBe(0);
    let read = 0;
    for (let { done } = await reader.read(); !done; { done } = await reader.read()) {
      read += 1;
      expect(seen.pulled - read).toBeLessThanOrEqual(1);
    }
    expect(read).toBe(1601);
  });

  it('cancels the file with the body', async () => {
    const { seen, file } = chunks([new Uint8Array(1)]);
    await createMultipartBody([], file, BOUNDARY).body.cancel();
    expect(seen.isCancelled).toBe(true);
  });

  it('lets go of a file that was never read', () => {
    const { seen, file } = chunks([new Uint8Array(1)]);
    createMultipartBody([], file, BOUNDARY).abandon();
    expect(seen.isCancelled).toBe(true);
  });

  it.each([1, 3])(
    'breaks off when the file has not the %d bytes that were said',
    async (sizeBytes) => {
      const { file } = chunks([new Uint8Array(2)]);
      const made = createMultipartBody([], { ...file, sizeBytes }, BOUNDARY);
      await expect(new Response(made.body).arrayBuffer()).rejects.toThrow();
      expect(made.fileFault()?.message).toContain(`${sizeBytes} bytes`);
    },
  );
});
