import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receiveUpload, type UploadLimits } from '#origin/routes/upload.ts';
import { BOUNDARY } from '#test/support/raw-http.ts';

let spoolDir: string;

beforeEach(async () => {
  spoolDir = await mkdtemp(join(tmpdir(), 'mana-stt-upload-'));
});

afterEach(async () => {
  await rm(spoolDir, { recursive: true, force: true });
});

function receive(pieces: readonly Uint8Array[], limits: Partial<UploadLimits> = {}) {
  const source = {
    openBody: () => Readable.from(pieces),
    contentType: `multipart/form-data; boundary="${BOUNDARY}"`,
    contentLength: undefined,
  };
  return receiveUpload(source, {
    spoolDir,
    maxFileBytes: 10_000,
    idleTimeoutSeconds: 5,
    ...limits,
  });
}

function writeForm(file: Uint8Array, value: string): Buffer {
  const part = (head: string) => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(`${part('name="prompt"')}${value}\r\n${part('name="file"; filename="größe.wav"')}`),
    file,
    Buffer.from(`\r\n${part('name="language"')}de\r\n--${BOUNDARY}--\r\n`),
  ]);
}

/** Bytes that come close to ending a part: pieces of the boundary between noise. */
const trickyBytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(
        '\r\n',
        '\r\n--',
        `\r\n--${BOUNDARY.slice(0, -1)}`,
        `--${BOUNDARY}`,
        '--',
        '\r',
      ),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts.map((it) => (typeof it === 'string' ? Buffer.from(it) : it))))
  .filter((bytes) => bytes.length > 0 && !bytes.includes(`\r\n--${BOUNDARY}`))
  .filter((bytes) => !bytes.subarray(0, BOUNDARY.length + 2).equals(Buffer.from(`--${BOUNDARY}`)));

const cuts = fc.array(fc.nat({ max: 4000 }), { maxLength: 20 });

function cut(body: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at)].filter((place) => place < body.length).sort((a, b) => a - b);
  return [0, ...places].map((from, i) => body.subarray(from, places[i] ?? body.length));
}

describe('receiveUpload', () => {
  it('finds the same bytes and fields however the body is cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(trickyBytes, cuts, async (file, at) => {
        const pieces = cut(writeForm(file, 'Grüße'), at).filter((piece) => piece.length > 0);
        const upload = await receive(pieces, { isDigested: true });
        expect(upload.digest).toBe(createHash('sha256').update(file).digest('hex'));
        expect(Buffer.compare(await readFile(upload.path), file)).toBe(0);
        expect(upload).toMatchObject({
          fileName: 'größe.wav',
          sizeBytes: file.length,
          fields: [
            { name: 'prompt', value: 'Grüße' },
            { name: 'language', value: 'de' },
          ],
        });
        await upload.remove();
      }),
      { numRuns: 200 },
    );
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('digests nothing unasked', async () => {
    const upload = await receive([writeForm(Buffer.from('some bytes'), 'text')]);
    expect(upload.digest).toBeNull();
    await upload.remove();
  });

  it('refuses every form that is cut off, and leaves nothing on disk', async () => {
    const body = writeForm(Buffer.from('some bytes'), 'text');
    const ending = body.length - '--\r\n'.length;
    for (let end = 1; end <= ending; end++) {
      await expect(receive([body.subarray(0, end)])).rejects.toMatchObject({
        error: { kind: 'malformed_body' },
      });
    }
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('leaves no sample on disk either when a form is cut off', async () => {
    const name = 'name="known_speaker_references[]"';
    const part = (head: string) => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n`;
    const body = Buffer.from(
      `${part(name)}\r\ndata:audio/wav;base64,AAAA\r\n` +
        `${part(`${name}; filename="a.wav"`)}Content-Type: audio/wav\r\n\r\nbytes\r\n` +
        `${part('name="file"; filename="b.wav"')}\r\nbytes\r\n--${BOUNDARY}--\r\n`,
    );
    const ending = body.length - '--\r\n'.length;
    for (let end = 1; end <= ending; end++) {
      await expect(receive([body.subarray(0, end)])).rejects.toMatchObject({
        error: { kind: 'malformed_body' },
      });
    }
    expect(await readdir(spoolDir)).toEqual([]);
    const upload = await receive([body]);
    const samples = await Promise.all(upload.samplePaths.map((path) => readFile(path)));
    expect(samples).toEqual([Buffer.alloc(3), Buffer.from('bytes')]);
    await upload.remove();
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('takes a file of exactly the limit and refuses one more byte', async () => {
    const limits = { maxFileBytes: 100 };
    const fits = await receive([writeForm(Buffer.alloc(100), 'x')], limits);
    expect(fits.sizeBytes).toBe(100);
    await fits.remove();
    await expect(receive([writeForm(Buffer.alloc(101), 'x')], limits)).rejects.toMatchObject({
      error: { kind: 'upload_too_large', limitBytes: 100 },
    });
    expect(await readdir(spoolDir)).toEqual([]);
  });

  it('calls a spool folder that cannot be written a fault of ours', async () => {
    await rm(spoolDir, { recursive: true });
    await expect(receive([writeForm(Buffer.from('x'), 'x')])).rejects.toMatchObject({
      error: { kind: 'internal' },
      cause: { code: 'ENOENT' },
    });
  });

  it('survives any bytes in place of a form', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 })), async (noise) => {
        await expect(receive(noise)).rejects.toMatchObject({ name: 'SttException' });
      }),
    );
    expect(await readdir(spoolDir)).toEqual([]);
  });
});
