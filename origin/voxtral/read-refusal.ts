/**
 * A refusal of vLLM → `VoxtralFailure`. Its body is only looked at to tell kinds apart; not a word of it is kept.
 * Source: vLLM's entrypoints/openai/speech_to_text.py and serving_engine.py.
 */
import type { VoxtralFailure } from '#origin/voxtral/failure.ts';
import { readText } from '#shared/mistral/bounded-body.ts';
import { readRetryAfter } from '#shared/mistral/read-failure.ts';

const MAX_BODY_BYTES = 16_384;

export async function readRefusal(
  response: Response,
  signal: AbortSignal,
): Promise<VoxtralFailure> {
  const { status } = response;
  const retryAfterSeconds = readRetryAfter(response.headers.get('retry-after'), Date.now());
  const body = (await readText(response, MAX_BODY_BYTES, signal)) ?? '';
  if (status === 401 || status === 403) return { kind: 'misconfigured', status };
  if (status === 413) return { kind: 'too_large' };
  if (status === 429 || (status === 503 && retryAfterSeconds !== null)) {
    return { kind: 'overloaded', retryAfterSeconds };
  }
  if (status >= 500 || status === 408) return { kind: 'server_error', status };
  if (status === 404 && /model/i.test(body)) return { kind: 'unknown_model' };
  if (status === 400 && TOO_LARGE.test(body)) return { kind: 'too_large' };
  return { kind: 'refused', status };
}

const TOO_LARGE =
  /maximum file size|audio_filesize|duration|too (long|large)|maximum context|max_model_len/i;
