/** The fields of `POST /transcribe/auto` and `/transcribe/voxtral` that decide who transcribes. */
import { z } from 'zod';
import { FormBoolean, formChoice } from '#shared/contracts/form-fields.ts';
import { type FormField, readFields } from '#shared/contracts/read-fields.ts';
import type { FieldFault } from '#shared/errors.ts';
import { ok, type Result } from '#shared/result.ts';

/** They stand beside those of `TranscribeForm`, in the same form. */
export const RouteForm = z.object({
  prefer: formChoice(['whisper', 'voxtral'])
    .optional()
    .describe('`/transcribe/auto` only: `whisper` or `voxtral`, where it can and is not busy.'),
  allow_hosted: FormBoolean.default(true).describe(
    'false: the recording never leaves our own machines, whatever else is asked.',
  ),
  use_realtime: FormBoolean.default(false).describe(
    'The small Voxtral for live speech, as `model=4B`. Hosted Voxtral answers with its usual model.',
  ),
});

/** Fields that were understood. */
export interface RouteDemand {
  readonly prefer?: 'whisper' | 'voxtral';
  readonly allowHosted: boolean;
  readonly useRealtime: boolean;
}

/** Reads the fields of routing; all others are passed over. */
export function parseRouteForm(
  fields: readonly FormField[],
): Result<RouteDemand, readonly FieldFault[]> {
  const parsed = readFields(RouteForm, fields);
  if (!parsed.ok) return parsed;
  const { prefer, allow_hosted: allowHosted, use_realtime: useRealtime } = parsed.value;
  return ok({ ...(prefer !== undefined && { prefer }), allowHosted, useRealtime });
}
