import type { MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { isUnderV1 } from '#shared/contracts/gateway-path.ts';
import { toOpenAiError } from '#shared/error-to-wire.ts';

/**
 * Adds OpenAI's `error` to every error under `/v1/`, our own and those that a machine behind us answered with. It stands
 * outside of whatever makes errors.
 */
export const openAiErrors: MiddlewareHandler = async (c, next) => {
  await next();
  const { status, headers } = c.res;
  const isJson = /^application\/(problem\+)?json\b/.test(headers.get('Content-Type') ?? '');
  if (status < 400 || !isJson || !isUnderV1(c.req.url)) return;
  const text = await c.res.text();
  headers.delete('Content-Length');
  c.res = new Response(withOpenAiError(text), { status, headers });
};

/** Members that are read; the others stay as they are. */
const OurError = z.looseObject({
  status: z.number(),
  code: z.string(),
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.tuple([z.literal('body'), z.string()]), msg: z.string() })),
  ]),
});

/** A text that is no error of ours comes back as it is. */
function withOpenAiError(text: string): string {
  const body = OurError.safeParse(parseJson(text));
  if (!body.success) return text;
  return JSON.stringify({ ...body.data, error: toOpenAiError(body.data) });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
