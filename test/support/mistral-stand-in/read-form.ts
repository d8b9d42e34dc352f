/** Reads a multipart form with one file, as it comes. */
import type { Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Busboy } from '@fastify/busboy';

export interface ReadForm {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly file: {
    readonly name: string;
    readonly type: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  } | null;
}

export async function readForm(request: IncomingMessage, hash: Hash): Promise<ReadForm> {
  const fields: [string, string][] = [];
  let file: { name: string; type: string; sizeBytes: number } | null = null;
  const type = request.headers['content-type'] ?? '';
  const parser = new Busboy({ headers: { ...request.headers, 'content-type': type } });
  parser.on('field', (name: string, value: string) => fields.push([name, value]));
  parser.on('file', (_name, stream, filename, _encoding, mimetype) => {
    const found = { name: filename, type: mimetype, sizeBytes: 0 };
    file = found;
    stream.on('data', (chunk: Buffer) => {
      found.sizeBytes += chunk.byteLength;
      hash.update(chunk);
    });
  });
  await new Promise<void>((resolve, reject) => {
    parser.on('finish', resolve);
    parser.on('error', reject);
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('aborted')));
    request.pipe(parser);
  });
  const whole = file as { name: string; type: string; sizeBytes: number } | null;
  return { fields, file: whole === null ? null : { ...whole, sha256: hash.digest('hex') } };
}
