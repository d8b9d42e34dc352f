import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { BodyWriter, type StoredBody } from '#edge-worker/upload/body-store.ts';
import { storeForm } from '#edge-worker/upload/store-form.ts';
import { CONTENT_TYPE, cut, faultOf, multipart, streamOf } from '#test/worker/support/multipart.ts';

const PART = 5 * 1024 * 1024;
const bucket = env.UPLOADS;

/** Bytes that differ everywhere, so that a wrong order shows. */
function pattern(length: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4)).map((_, index) => index * 2_654_435_761);
  return new Uint8Array(words.buffer, 0, length);
}

async function store(bytes: Uint8Array, key: string, pieceBytes = 300_001): Promise<StoredBody> {
  const writer = new BodyWriter({ bucket, key, partBytes: PART });
  for (const piece of cut(bytes, [pieceBytes])) await writer.write(piece);
  return writer.finish();
}

async function read(body: StoredBody): Promise<Uint8Array> {
  return new Response(await body.open()).bytes();
}

/** Quicker than `toEqual` and as strict. */
const isSame = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((value, index) => value === b[index]);

describe('BodyWriter', () => {
  it.each([
    ['nothing', 0, 'memory'],
    ['a small body', 1000, 'memory'],
    ['exactly one part', PART, 'memory'],
    ['one byte more', PART + 1, 'bucket'],
    ['several parts', 2 * PART + 12_345, 'bucket'],
  ])('keeps %s and gives it as often as asked', async (name, length, place) => {
    const bytes = pattern(length);
    const body = await store(bytes, name);
    expect(body).toMatchObject({ place, sizeBytes: length });
    expect(isSame(await read(body), bytes)).toBe(true);
    expect(isSame(await read(body), bytes)).toBe(true);
    await body.remove();
    expect((await bucket.list()).objects).toEqual([]);
  });

  it('takes a single piece larger than a part', async () => {
    const bytes = pattern(2 * PART + 1);
    const body = await store(bytes, 'large', bytes.length);
    expect(isSame(await read(body), bytes)).toBe(true);
    await body.remove();
  });

  it.each([1000, PART + 1])('says that a removed body of %i bytes is gone', async (length) => {
    const body = await store(pattern(length), 'gone');
    await body.remove();
    expect(await faultOf(body.open())).toEqual({ kind: 'internal' });
  });

  it('leaves nothing behind for a form that turns out bad', async () => {
    const parts = [{ name: 'file', fileName: 'a', content: pattern(PART + 1000) }];
    const bytes = multipart(parts).slice(0, -10);
    const source = { body: streamOf(cut(bytes, [100_000])), contentType: CONTENT_TYPE };
    const limits = { maxFileBytes: 2 * PART, idleTimeoutSeconds: 30 };
    const work = storeForm(source, limits, { bucket, key: 'bad', partBytes: PART });
    expect(await faultOf(work)).toMatchObject({ kind: 'malformed_body' });
    expect((await bucket.list()).objects).toEqual([]);
  });

  it('hides what the bucket says when it fails', async () => {
    const broken = { createMultipartUpload: vi.fn(() => Promise.reject(new Error('R2 10001'))) };
    const writer = new BodyWriter({
      bucket: Object.assign(Object.create(bucket), broken),
      key: 'k',
      partBytes: PART,
    });
    const fault = await faultOf(writer.write(pattern(PART + 1)));
    expect(fault).toEqual({ kind: 'internal' });
  });
});
