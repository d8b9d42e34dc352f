/** What all routes do that take a recording: receive the form, and read what it asks for. */
import { Readable } from 'node:stream';
import type { Context } from 'hono';
import type { OriginDependencies, OriginEnv } from '#origin/routes/origin-env.ts';
import { receiveUpload, type Upload, type UploadLimits } from '#origin/routes/upload.ts';
import { findVoxtralModel } from '#origin/voxtral/models.ts';
import { parseTranscribeForm, type TranscribeDemand } from '#shared/contracts/transcribe-form.ts';
import { SttException } from '#shared/errors.ts';
import { readRoutedForm } from '#shared/routing/read-routed-form.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';

type OriginContext = Context<OriginEnv>;

/**
 * Receives the form of a request into files of a spool folder.
 * @throws SttException as `receiveUpload`
 */
export async function receiveForm(
  c: OriginContext,
  deps: OriginDependencies,
  wanted: Pick<UploadLimits, 'spoolDir' | 'isDigested'>,
): Promise<Upload> {
  const startedMs = deps.now();
  const source = {
    openBody: () => openBody(c),
    contentType: c.req.header('content-type'),
    contentLength: c.req.header('content-length'),
  };
  const { maxUploadBytes, uploadIdleTimeoutSeconds } = deps.config;
  const upload = await receiveUpload(source, {
    ...wanted,
    maxFileBytes: maxUploadBytes,
    idleTimeoutSeconds: uploadIdleTimeoutSeconds,
  });
  deps.metrics.observeUpload(upload.sizeBytes);
  c.get('trace')?.part('upload', startedMs, deps.now());
  const uploadMs = Math.round(deps.now() - startedMs);
  Object.assign(c.get('facts'), { uploadMs, sizeBytes: upload.sizeBytes });
  return upload;
}

/**
 * Reads the text fields of a received form.
 * @throws SttException invalid_fields, unknown_model
 */
export function readDemand(upload: Upload, deps: OriginDependencies): TranscribeDemand {
  const demand = parseTranscribeForm(upload.fields, upload.samplePaths);
  if (!demand.ok) {
    throw new SttException({ kind: 'invalid_fields', faults: demand.error });
  }
  const { model } = demand.value.options;
  const known = deps.transcriber.models().whisper;
  if (model !== undefined && !known.includes(model)) {
    throw new SttException({ kind: 'unknown_model', model, known });
  }
  return demand.value;
}

/**
 * Reads the text fields of a received form whose backend is to be chosen.
 * @throws SttException invalid_fields, unknown_model
 */
export function readRoutedDemand(
  { fields, samplePaths, sizeBytes }: Pick<Upload, 'fields' | 'samplePaths' | 'sizeBytes'>,
  route: RoutedForm['route'],
  { whisper, local, hosted }: KnownModels,
): RoutedForm {
  const form = readRoutedForm({
    ...{ fields, samples: samplePaths, sizeBytes, route },
    isLocalVoxtral: (name) => findVoxtralModel(name) !== null,
  });
  if (!form.ok) throw new SttException(form.error);
  const { named } = form.value;
  if (named.kind === 'other' && !whisper.includes(named.name)) {
    const known = [...whisper, ...local, ...hosted];
    throw new SttException({ kind: 'unknown_model', model: named.name, known });
  }
  return form.value;
}

/** What can be asked for by name. */
export interface KnownModels {
  readonly whisper: readonly string[];
  /** Voxtral on this machine, and at Mistral. */
  readonly local: readonly string[];
  readonly hosted: readonly string[];
}

/** Node's own stream where there is one: it can be left half read without ending the connection. */
function openBody(c: OriginContext): Readable {
  // Called without a server the app has no bindings at all, whatever Hono's type says.
  const { incoming, outgoing }: Partial<OriginEnv['Bindings']> = c.env ?? {};
  if (incoming !== undefined) {
    if (c.req.header('expect') !== undefined) {
      outgoing?.writeContinue();
    }
    return incoming;
  }
  const { body } = c.req.raw;
  return body === null ? Readable.from([]) : Readable.fromWeb(body);
}
