import { SttException } from '#shared/errors.ts';

/**
 * The boundary that a request's Content-Type names; of several the first.
 * @throws SttException unsupported_media_type, malformed_body
 */
export function readBoundary(contentType: string | null | undefined): string {
  const value = contentType ?? '';
  if (!/^\s*multipart\/form-data\s*(;|$)/i.test(value)) {
    throw new SttException({ kind: 'unsupported_media_type', found: contentType ?? null });
  }
  const [, quoted, bare] = /;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;"]+))/i.exec(value) ?? [];
  const boundary = quoted ?? bare ?? '';
  if (boundary === '') throw malformed('the Content-Type names no boundary');
  if (!BOUNDARY.test(boundary)) throw malformed('the boundary is too long or has other signs');
  return boundary;
}

/** RFC 2046 allows 70 signs of fewer kinds; some clients take a few more of both. */
const BOUNDARY = /^[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?$/;

function malformed(problem: string): SttException {
  return new SttException({ kind: 'malformed_body', problem });
}
