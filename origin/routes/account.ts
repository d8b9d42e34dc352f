/** What all routes do around the work on a recording: take a place, wait for a slot, and count what came of it. */
import type { Context } from 'hono';
import type { Place } from '#origin/admission/admission.ts';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import type { TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import type { AnyTranscript, TranscribeOptions } from '#shared/contracts/transcript.ts';
import { formatTranscript } from '#shared/format/format-transcript.ts';

type OriginContext = Context<OriginEnv>;

/** What became of a recording, and how the answer is to be written. */
export interface Transcribed extends Pick<TranscribeDemand, 'format'> {
  readonly transcript: AnyTranscript;
  readonly task: TranscribeOptions['task'];
}

/**
 * Takes a place, lets `work` use it and writes the answer; failures are counted.
 * @throws SttException queue_full, or what `work` throws
 */
export async function answerInPlace(
  c: OriginContext,
  deps: OriginDependencies,
  work: (place: Place) => Promise<Transcribed>,
): Promise<Response> {
  const startedMs = deps.now();
  const place = deps.admission.enter();
  deps.metrics.setQueue(deps.admission.counts());
  try {
    const { transcript, format, task } = await work(place);
    const latencyMs = deps.now() - startedMs;
    const context = { requestId: c.get('requestId'), latencyMs, task };
    const { body, headers } = formatTranscript(transcript, format, context);
    return c.body(body, 200, headers);
  } catch (error) {
    deps.metrics.countFailure(c.get('facts').model ?? 'unknown');
    throw error;
  } finally {
    place.leave();
    deps.metrics.setQueue(deps.admission.counts());
  }
}

/** @throws SttException client_gone */
export async function waitForSlot(
  c: OriginContext,
  deps: OriginDependencies,
  place: Place,
): Promise<void> {
  const startedMs = deps.now();
  await place.start(c.req.raw.signal);
  const queueMs = deps.now() - startedMs;
  c.get('trace')?.part('queue', startedMs, startedMs + queueMs);
  c.get('facts').queueMs = Math.round(queueMs);
  deps.metrics.observeQueueWait(queueMs / 1000);
  deps.metrics.setQueue(deps.admission.counts());
}

/** For the log, the metrics and the caller's limit per day. */
export function countTranscript(
  c: OriginContext,
  deps: OriginDependencies,
  { transcript, workMs }: { readonly transcript: AnyTranscript; readonly workMs: number },
): void {
  const { model, language, durationSeconds: audioSeconds } = transcript;
  Object.assign(c.get('facts'), { model, language, audioSeconds, workMs: Math.round(workMs) });
  deps.gate?.chargeAudio(c.get('principal').id, audioSeconds);
  const characters = transcript.text.length;
  const workSeconds = workMs / 1000;
  deps.metrics.countTranscription({ model, language, characters, audioSeconds, workSeconds });
}
