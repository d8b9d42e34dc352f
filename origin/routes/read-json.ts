import type { Context } from 'hono';
import type { z } from 'zod';
import type { OriginEnv } from '#origin/routes/origin-env.ts';
import { type FieldFault, SttException } from '#shared/errors.ts';

/**
 * Reads a small JSON body and checks it.
 * @throws SttException upload_too_large, upload_stalled, invalid_parameter (no JSON), invalid_fields
 */
export async function readJson<Schema extends z.ZodType>(
  c: Context<OriginEnv>,
  schema: Schema,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(parseJson(await readText(c.req.raw)));
  if (parsed.success) return parsed.data;
  throw new SttException({ kind: 'invalid_fields', faults: parsed.error.issues.flatMap(toFaults) });
}

const MAX_BYTES = 16 * 1024;
const MAX_SECONDS = 10;

async function readText({ body }: Request): Promise<string> {
  const decoder = new TextDecoder();
  let [text, size, isLate] = ['', 0, false];
  const reader = body?.getReader();
  const timer = setTimeout(() => {
    isLate = true;
    reader?.cancel().catch(() => {});
  }, MAX_SECONDS * 1000);
  try {
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      size += part.value.byteLength;
      if (size > MAX_BYTES) {
        reader?.cancel().catch(() => {});
        throw new SttException({ kind: 'upload_too_large', limitBytes: MAX_BYTES });
      }
      text += decoder.decode(part.value, { stream: true });
    }
  } finally {
    clearTimeout(timer);
  }
  if (isLate) throw new SttException({ kind: 'upload_stalled', limitSeconds: MAX_SECONDS });
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const message = 'send a JSON object.';
    throw new SttException({ kind: 'invalid_parameter', name: 'body', message });
  }
}

function toFaults(issue: z.core.$ZodIssue): FieldFault[] {
  const fields = issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.join('.') || 'body'];
  return fields.slice(0, MAX_FAULTS).map((field) => ({
    field: field.slice(0, 100),
    message: issue.code === 'unrecognized_keys' ? 'there is no such member.' : `${issue.message}.`,
    type: issue.code,
  }));
}

const MAX_FAULTS = 10;
