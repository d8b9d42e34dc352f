import type { z } from 'zod';

/**
 * An answer's JSON, checked; null when it is longer than the limit, no JSON, or something else than the contract.
 * Whatever is wrong, the rest of the body is given up.
 */
export async function readJson<Schema extends z.ZodType>(
  response: Response,
  schema: Schema,
  maxBytes: number,
): Promise<z.infer<Schema> | null> {
  const text = new TextDecoder();
  let json = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    // Leaving the loop cancels the stream.
    if (bytes > maxBytes) return null;
    json += text.decode(chunk, { stream: true });
  }
  try {
    const parsed = schema.safeParse(JSON.parse(json));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
