import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { StoreOptions } from '#edge-worker/upload/body-store.ts';
import { type FormSource, openForm } from '#edge-worker/upload/open-form.ts';
import { storeForm } from '#edge-worker/upload/store-form.ts';
import {
  CONTENT_TYPE,
  cut,
  faultOf,
  multipart,
  type Part,
  streamOf,
} from '#test/worker/support/multipart.ts';

const LIMITS = { maxFileBytes: 100_000, idleTimeoutSeconds: 30 };
const FILE: Part = { name: 'file', fileName: 'a.wav', type: 'audio/wav', content: 'RIFF-data' };
const LANGUAGE: Part = { name: 'language', content: 'de' };
const MODEL: Part = { name: 'model', content: 'base' };

function source(parts: readonly Part[], sizes: readonly number[] = [1_000_000]): FormSource {
  return { body: streamOf(cut(multipart(parts), sizes)), contentType: CONTENT_TYPE };
}

let keys = 0;
function options(): StoreOptions {
  keys += 1;
  return { bucket: env.UPLOADS, key: `test/${keys}` };
}

/** Both ways to read a form, so that one table of faults covers both. */
const WAYS = {
  openForm: async (from: FormSource, limits = LIMITS) => {
    const opened = await openForm(from, limits);
    const bytes = await new Response(opened.content).bytes();
    return { bytes, facts: await opened.complete };
  },
  storeForm: async (from: FormSource, limits = LIMITS) => {
    const { facts, body } = await storeForm(from, limits, options());
    const bytes = await new Response(await body.open()).bytes();
    await body.remove();
    return { bytes, facts };
  },
};

describe('openForm', () => {
  it('gives the fields before the file at once and all of them after it', async () => {
    const opened = await openForm(source([LANGUAGE, FILE, MODEL], [7]), LIMITS);
    expect(opened.fieldsBefore).toEqual([{ name: 'language', value: 'de' }]);
    expect(opened.file).toEqual({ name: 'file', fileName: 'a.wav', mimeType: 'audio/wav' });
    expect(await new Response(opened.content).text()).toBe('RIFF-data');
    const { fields, file } = await opened.complete;
    expect(fields.map(({ name }) => name)).toEqual(['language', 'model']);
    expect(file.sizeBytes).toBe(9);
  });

  it('reads the body only as fast as the file is read', async () => {
    const big: Part = { ...FILE, content: new Uint8Array(90_000) };
    const pieces = cut(multipart([big]), [1000]);
    const pull = vi.fn((controller: ReadableStreamDefaultController<Uint8Array>) => {
      const next = pieces.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    });
    const body = new ReadableStream({ pull }, { highWaterMark: 0 });
    const { content } = await openForm({ body, contentType: CONTENT_TYPE }, LIMITS);
    expect(pull).toHaveBeenCalledTimes(1);
    const reader = content.getReader();
    await reader.read();
    await reader.read();
    expect(pull.mock.calls.length).toBeLessThanOrEqual(3);
    await reader.cancel();
  });

  it('gives the body up when the file is no longer wanted', async () => {
    const cancel = vi.fn();
    const start = multipart([FILE]).slice(0, 110);
    const body = new ReadableStream<Uint8Array>({ start: (it) => it.enqueue(start), cancel });
    const { content, complete } = await openForm({ body, contentType: CONTENT_TYPE }, LIMITS);
    await content.cancel('enough');
    expect(cancel).toHaveBeenCalledOnce();
    await expect(complete).rejects.toBe('enough');
  });
});

describe('storeForm', () => {
  it('keeps the body as it came, whatever the order and the pieces', async () => {
    const order = fc.shuffledSubarray([LANGUAGE, FILE, MODEL], { minLength: 3 });
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 });
    const rule = fc.asyncProperty(order, sizes, async (parts, pieces) => {
      const { facts, bytes } = await WAYS.storeForm(source(parts, pieces));
      expect(bytes).toEqual(multipart(parts));
      expect(facts.file.sizeBytes).toBe(9);
      expect(new Set(facts.fields.map(({ name }) => name))).toEqual(new Set(['language', 'model']));
    });
    await fc.assert(rule, { seed: 5, numRuns: 50 });
  });

  it('lists samples of speakers and does not mistake them for the recording', async () => {
    const sample: Part = {
      name: 'known_speaker_references[]',
      content: 'data:audio/wav;base64,AA',
    };
    const { facts } = await WAYS.storeForm(source([sample, FILE]));
    expect(facts.otherFiles).toMatchObject([{ name: 'known_speaker_references[]' }]);
    expect(facts.fields).toEqual([]);
  });

  it('takes a recording in the field "audio", and one that only its type tells', async () => {
    const audio: Part = { name: 'audio', fileName: 'a', content: 'abc' };
    const nameless: Part = { name: 'file', type: 'application/octet-stream', content: 'abc' };
    for (const part of [audio, nameless]) {
      expect((await WAYS.storeForm(source([part]))).facts.file.sizeBytes).toBe(3);
    }
  });
});

describe.each(Object.entries(WAYS))('%s', (_name, read) => {
  const manyFields = Array.from({ length: 51 }, (_, index) => ({ name: `f${index}`, content: '' }));
  it.each([
    ['no file', [LANGUAGE], { kind: 'no_file', fields: ['language'] }],
    ['a file field with text', [{ name: 'file', content: 'x' }], { kind: 'no_file' }],
    ['an empty file', [{ ...FILE, content: '' }, LANGUAGE], { kind: 'empty_file' }],
    ['two files', [FILE, LANGUAGE, FILE], { kind: 'several_files' }],
    [
      'a file over the limit',
      [{ ...FILE, content: 'x'.repeat(100_001) }],
      { kind: 'upload_too_large' },
    ],
    ['too many fields', [...manyFields, FILE], { kind: 'malformed_body' }],
    ['too many fields behind the file', [FILE, ...manyFields], { kind: 'malformed_body' }],
    [
      'a long field',
      [{ name: 'a', content: 'x'.repeat(65_537) }, FILE],
      { kind: 'invalid_fields' },
    ],
  ] as [string, Part[], object][])('refuses %s', async (_case, parts, fault) => {
    expect(await faultOf(read(source(parts, [1000])))).toMatchObject(fault);
  });

  it('refuses a body that ends too early, behind the file too', async () => {
    const bytes = multipart([FILE, LANGUAGE]);
    for (const length of [0, 50, 120, bytes.length - 5]) {
      const body = streamOf([bytes.slice(0, length)]);
      const fault = await faultOf(read({ body, contentType: CONTENT_TYPE }));
      expect(fault).toMatchObject({ kind: 'malformed_body' });
    }
  });

  it('stops an endless body at the limit, inside a part that nobody wants too', async () => {
    const start = multipart([{ name: 'other', fileName: 'x', content: 'abc' }]).slice(0, 78);
    const rest = Array.from({ length: 40 }, () => new Uint8Array(50_000));
    const body = streamOf([start, ...rest]);
    const fault = await faultOf(read({ body, contentType: CONTENT_TYPE }));
    expect(fault).toEqual({ kind: 'upload_too_large', limitBytes: 100_000 });
  });

  it('tells a client that left from a bad form', async () => {
    const body = streamOf([multipart([FILE]).slice(0, 120)], new Error('connection lost'));
    expect(await faultOf(read({ body, contentType: CONTENT_TYPE }))).toEqual({
      kind: 'client_gone',
    });
  });

  it('gives a silent client up', async () => {
    const body = new ReadableStream<Uint8Array>();
    const limits = { ...LIMITS, idleTimeoutSeconds: 0.01 };
    const fault = await faultOf(read({ body, contentType: CONTENT_TYPE }, limits));
    expect(fault).toEqual({ kind: 'upload_stalled', limitSeconds: 0.01 });
  });
});
