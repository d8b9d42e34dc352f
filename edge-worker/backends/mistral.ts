/** Mistral as a backend of the edge: a stored form → its file, streamed up. */
import type { EdgeLogger } from '#edge-worker/logger.ts';
import type { UploadLimits } from '#edge-worker/upload/limits.ts';
import { openForm } from '#edge-worker/upload/open-form.ts';
import type { StoredForm } from '#edge-worker/upload/store-form.ts';
import {
  type HostedFile,
  type HostedWork,
  type MistralResult,
  type MistralSettings,
  transcribeHosted,
} from '#shared/mistral/hosted.ts';

/** One recording for Mistral. */
export interface MistralWork extends Omit<HostedWork, 'openFile'> {
  readonly form: StoredForm;
  /** Of the form, with its boundary. */
  readonly contentType: string;
  readonly limits: UploadLimits;
}

/** What the edge asks of Mistral; tests play it. */
export interface Mistral {
  /** @throws SttException internal when the stored form is gone */
  transcribe(work: MistralWork): Promise<MistralResult>;
}

export interface MistralDependencies {
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly logger: EdgeLogger;
}

/** Neither the key nor anything that Mistral wrote leaves it, but for the transcript. */
export function createMistral(
  settings: MistralSettings,
  { fetch, now, logger }: MistralDependencies,
): Mistral {
  return {
    transcribe: (work) =>
      transcribeHosted({ ...work, openFile: () => openFile(work) }, settings, {
        fetch,
        now,
        log: logger,
        fixLength: (body, sizeBytes) => body.pipeThrough(new FixedLengthStream(sizeBytes)),
      }),
  };
}

async function openFile({ form, contentType, limits }: MistralWork): Promise<HostedFile> {
  const { facts, body } = form;
  const { content } = await openForm({ body: await body.open(), contentType }, limits);
  const { fileName, mimeType, sizeBytes } = facts.file;
  return { stream: content, fileName, mimeType, sizeBytes };
}
