import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { Backend, RoutedWork } from '#origin/backends/backend.ts';
import type { Logger } from '#origin/logger.ts';
import {
  type HostedFile,
  type HostedWork,
  type MistralSettings,
  transcribeHosted,
} from '#shared/mistral/hosted.ts';
import { MISTRAL_BACKEND, toMistralState } from '#shared/routing/backend-states.ts';
import { chooseMistralModel, toRouteRequest } from '#shared/routing/to-route-request.ts';

export interface MistralParts {
  /** Null: there is no key. */
  readonly settings: MistralSettings | null;
  readonly logger: Logger;
  readonly fetch: typeof fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** The recording goes to Mistral as it came. */
export function mistralBackend({ settings, logger, ...deps }: MistralParts): Backend {
  return {
    id: MISTRAL_BACKEND,
    async look({ form: { named, options } }) {
      const model = chooseMistralModel(named, options);
      return toMistralState({ isConfigured: settings !== null, isCircuitOpen: false, model });
    },
    async ask(work, signal) {
      if (settings === null) throw new TypeError('routing chose a backend that is not set up');
      return await transcribeHosted(toHostedWork(work, signal), settings, {
        ...deps,
        log: (level, message, entry) => logger[level](entry, message),
      });
    },
  };
}

function toHostedWork(work: RoutedWork, signal: AbortSignal): HostedWork {
  const { form, requestId } = work;
  return {
    options: form.options,
    model: chooseMistralModel(form.named, form.options),
    isModelNamed: form.named.kind === 'hosted',
    needsSegmentTimes: toRouteRequest(form).features.includes('segment_times'),
    assumedLanguage: form.route === 'voxtral' ? LANGUAGE_OF_OLD : null,
    ...{ requestId, signal },
    openFile: async () => openFile(work),
  };
}

/** What an absent `language` meant on `/transcribe/voxtral` before. */
const LANGUAGE_OF_OLD = 'de';

function openFile({ path, fileName, form }: RoutedWork): HostedFile {
  const stream: ReadableStream<Uint8Array> = Readable.toWeb(createReadStream(path));
  return { stream, fileName, mimeType: '', sizeBytes: form.sizeBytes };
}
