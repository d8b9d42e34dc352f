/** What an assertion of the edge says, and which request it is for. */
import { z } from 'zod';
import type { HeaderReader } from '#shared/auth/credentials.ts';
import { MAX_SCOPES } from '#shared/auth/scopes.ts';

/** The request that an assertion belongs to. */
export interface AssertedRequest {
  readonly method: string;
  /** Absolute; only path and query are bound, because host and scheme change in the tunnel. */
  readonly url: string;
  readonly headers: HeaderReader;
}

/** The parts of a request that are signed. */
export type RequestBinding = z.infer<typeof RequestBinding>;

const RequestBinding = z.strictObject({
  method: z.string().max(16),
  target: z.string().max(4096),
  /** `X-Request-Id`. */
  id: z.string().min(1).max(128),
  /** `Content-Type` with the boundary of the form; null without a body. */
  type: z.string().max(512).nullable(),
  /** `Content-Length` in bytes; null when the body is sent in chunks. */
  length: z.string().max(16).nullable(),
});

export type AssertionClaims = z.infer<typeof AssertionClaims>;

export const AssertionClaims = z.object({
  jti: z.string().regex(/^[\w-]{16,64}$/),
  iat: z.number().int(),
  exp: z.number().int(),
  req: RequestBinding,
  principal: z.strictObject({
    kind: z.enum(['internal', 'local-key', 'external-key', 'user', 'anonymous']),
    id: z.string().min(1).max(160),
    name: z.string().max(160),
    scopes: z.array(z.string().max(80)).max(MAX_SCOPES),
    rateLimit: z
      .strictObject({
        requests: z.number().int().min(1),
        windowSeconds: z.number().int().min(1),
      })
      .nullable(),
  }),
});

/** Reads what is bound; null when the request has no usable `X-Request-Id`, without which nothing is asserted. */
export function bindRequest(request: AssertedRequest): RequestBinding | null {
  const { pathname, search } = new URL(request.url);
  const binding = RequestBinding.safeParse({
    method: request.method.toUpperCase(),
    target: pathname + search,
    id: request.headers.get('x-request-id') ?? '',
    type: request.headers.get('content-type'),
    length: request.headers.get('content-length'),
  });
  return binding.success ? binding.data : null;
}

/** A length on one side only is no difference: a proxy may send a body in chunks, or join it. */
export function isSameRequest(signed: RequestBinding, found: RequestBinding): boolean {
  return (
    signed.method === found.method &&
    signed.target === found.target &&
    signed.id === found.id &&
    signed.type === found.type &&
    (signed.length === null || found.length === null || signed.length === found.length)
  );
}
