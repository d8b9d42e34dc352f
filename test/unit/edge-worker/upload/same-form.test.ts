/** One body is one form: what the edge reads in it, the origin reads too, or else limits and choices hold on one side. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { FormInspector } from '#edge-worker/upload/form-inspector.ts';
import { SCAN_LIMITS } from '#edge-worker/upload/limits.ts';
import { MultipartScanner } from '#edge-worker/upload/multipart-scanner.ts';
import { receiveUpload } from '#origin/routes/upload.ts';
import { SttException } from '#shared/errors.ts';

const BOUNDARY = 'same-form';
const MAX_FILE_BYTES = 1000;
const spoolDir = mkdtempSync(join(tmpdir(), 'mana-stt-same-form-'));
afterAll(() => rmSync(spoolDir, { recursive: true }));

/** What a side has found, or the kind of its refusal. */
type Finding = { fields: unknown; bytes: number } | { refusal: string };

function readAtEdge(pieces: readonly Uint8Array[]): Finding {
  const scanner = new MultipartScanner(BOUNDARY, SCAN_LIMITS);
  const inspector = new FormInspector({ maxFileBytes: MAX_FILE_BYTES });
  try {
    for (const piece of pieces) {
      for (const event of scanner.push(piece)) inspector.see(event);
    }
    scanner.end();
    const { fields, file } = inspector.finish();
    return { fields, bytes: file.sizeBytes };
  } catch (error) {
    return toRefusal(error);
  }
}

async function readAtOrigin(pieces: readonly Uint8Array[]): Promise<Finding> {
  const source = {
    openBody: () => Readable.from(pieces.map((piece) => Buffer.from(piece))),
    contentType: `multipart/form-data; boundary=${BOUNDARY}`,
    contentLength: undefined,
  };
  const limits = { spoolDir, maxFileBytes: MAX_FILE_BYTES, idleTimeoutSeconds: 30 };
  try {
    const upload = await receiveUpload(source, limits);
    await upload.remove();
    // The origin keeps names that are empty and looks at none of them.
    const fields = upload.fields.filter(({ name }) => name !== '');
    return { fields, bytes: upload.sizeBytes };
  } catch (error) {
    return toRefusal(error);
  }
}

function toRefusal(error: unknown): Finding {
  if (!(error instanceof SttException)) throw error;
  return { refusal: error.error.kind };
}

const fieldName = fc.constantFrom('file', 'audio', 'language', 'x[]', 'allow_hosted', 'ü', '');
const value = (text: fc.Arbitrary<string>) =>
  text.chain((it) => fc.constantFrom(`"${it}"`, /^[\w[\]]+$/.test(it) ? it : `"${it}"`));
const parameter = fc.oneof(
  value(fieldName).map((it) => `name=${it}`),
  value(fc.constantFrom('a.wav', '../b.wav', 'C:\\c.wav', '', 'a;b', 'a b')).map(
    (it) => `filename=${it}`,
  ),
  fc.constantFrom("filename*=UTF-8''%C3%BC.wav", "filename*=UTF-8''%zz", 'x=y', 'NAME="file"'),
);
const disposition = fc
  .tuple(
    fc.constantFrom('form-data', 'Form-Data', 'attachment', 'file', ''),
    // A parameter that is there twice is read by the origin in one way or another, by what else is there.
    fc.uniqueArray(parameter, { maxLength: 4, selector: (it) => it.split('=')[0]?.toLowerCase() }),
    fc.constantFrom('; ', ';', ' ; ', ';\t'),
  )
  .map(([kind, list, separator]) => [kind, ...list].join(separator));
const line = fc.oneof(
  { weight: 4, arbitrary: disposition.map((it) => `Content-Disposition: ${it}`) },
  disposition.map((it) => `content-disposition:${it}`),
  fc
    .constantFrom('audio/wav', 'Video/MP4; x=y', 'text/plain', 'application/octet-stream', '')
    .map((it) => `Content-Type: ${it}`),
  fc.constantFrom(
    'X: y',
    'Content-Length: 3',
    'no colon',
    'Content-Transfer-Encoding: 8bit',
    ' ; x=y',
    ': none',
    'Content-Disposition : form-data; name=language',
    'X: a\nb',
  ),
);
const content = fc.oneof(
  fc.constantFrom('', 'de', 'RIFF\r\n--', `\r\n--${BOUNDARY.slice(1)}`, 'x'.repeat(900)),
  fc.string({ maxLength: 20 }),
);
const part = fc
  .tuple(fc.array(line, { maxLength: 3 }), content)
  .map(
    ([lines, it]) => `--${BOUNDARY}\r\n${lines.map((text) => `${text}\r\n`).join('')}\r\n${it}\r\n`,
  );
const usual = fc.constantFrom(
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n`,
  `--${BOUNDARY}\r\nContent-Disposition: form-data; name="language"\r\n\r\nde\r\n`,
);
const body = fc
  .tuple(
    fc.constantFrom('', '\r\n', 'preamble\r\n'),
    fc.array(fc.oneof(part, usual), { maxLength: 6 }),
    fc.constantFrom(`--${BOUNDARY}--\r\n`, `--${BOUNDARY}--`, `--${BOUNDARY}--\r\nmore`, ''),
  )
  .map(([before, parts, end]) => before + parts.join('') + end);
const pieceBytes = fc.integer({ min: 1, max: 200 });

describe('the edge and the origin', () => {
  it('find the same fields and the same file in any body, however it is cut', async () => {
    const rule = fc.asyncProperty(body, pieceBytes, async (text, size) => {
      const bytes = Buffer.from(text);
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(readAtEdge(pieces)).toEqual(await readAtOrigin(pieces));
    });
    await fc.assert(rule, { seed: 11, numRuns: 2000 });
  });
});
