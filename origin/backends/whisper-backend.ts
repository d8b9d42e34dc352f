import { type Backend, toTranscribeRequest } from '#origin/backends/backend.ts';
import { toLocalFailure } from '#origin/backends/local-failure.ts';
import type { Transcriber } from '#origin/pipeline/transcriber.ts';
import { ok } from '#shared/result.ts';
import { ALL_FEATURES, WHISPER_BACKEND } from '#shared/routing/backend-states.ts';

/** The engine of this process. */
export function whisperBackend(
  transcriber: Pick<Transcriber, 'transcribe' | 'models' | 'health'>,
): Backend {
  return {
    id: WHISPER_BACKEND,
    async look({ load }) {
      const { freeSlots, waiting } = load();
      const { whisper } = transcriber.models();
      return {
        family: 'whisper',
        isHosted: false,
        isConfigured: whisper.length > 0,
        models: whisper,
        languages: null,
        features: ALL_FEATURES,
        maxDurationSeconds: null,
        maxSizeBytes: null,
        health: transcriber.health().engine === 'failed' ? 'down' : 'healthy',
        freeCapacity: freeSlots,
        queueLength: waiting,
        costPerAudioHour: 0,
      };
    },
    async ask(work, signal) {
      try {
        await work.untilSlot();
        const transcript = await transcriber.transcribe(toTranscribeRequest(work, signal));
        return { result: ok(transcript), outcome: { kind: 'success' } };
      } catch (thrown) {
        return toLocalFailure(thrown);
      }
    },
  };
}
