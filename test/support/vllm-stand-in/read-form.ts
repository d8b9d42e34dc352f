/** A multipart form with one file, kept as a whole. */
import type { IncomingMessage } from 'node:http';
import { Busboy } from '@fastify/busboy';

export interface Form {
  readonly fields: Readonly<Record<string, string>>;
  readonly file: Buffer | null;
}

export async function readForm(request: IncomingMessage): Promise<Form> {
  const fields: Record<string, string> = {};
  const chunks: Buffer[] = [];
  let hasFile = false;
  const type = request.headers['content-type'] ?? '';
  const parser = new Busboy({ headers: { ...request.headers, 'content-type': type } });
  parser.on('field', (name: string, value: string) => {
    fields[name] = value;
  });
  parser.on('file', (_name, stream) => {
    hasFile = true;
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  });
  await new Promise<void>((resolve, reject) => {
    parser.on('finish', resolve);
    parser.on('error', reject);
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('aborted')));
    request.pipe(parser);
  });
  return { fields, file: hasFile ? Buffer.concat(chunks) : null };
}
