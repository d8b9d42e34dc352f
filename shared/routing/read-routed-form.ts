/** The fields of a request whose backend is chosen by what it holds, for edge and origin alike. */
import type { FormField } from '#shared/contracts/read-fields.ts';
import { parseRouteForm } from '#shared/contracts/route-form.ts';
import { parseTranscribeForm } from '#shared/contracts/transcribe-form.ts';
import type { SttError } from '#shared/errors.ts';
import { MISTRAL_MODELS } from '#shared/mistral/capabilities.ts';
import { fail, ok, type Result } from '#shared/result.ts';
import { LOCAL_VOXTRALS, readModelName } from '#shared/routing/named-model.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';

/** A form that was received, without its recording. */
export interface ReceivedForm {
  readonly fields: readonly FormField[];
  /** Samples of known speakers: paths, or names where only their number counts. */
  readonly samples: readonly string[];
  /** Of the recording. */
  readonly sizeBytes: number;
  /** By the address. */
  readonly route: RoutedForm['route'];
  /** Names of our own Voxtrals besides their sizes. */
  readonly isLocalVoxtral?: (name: string) => boolean;
}

/** Fails with `invalid_fields`, or with `unknown_model` for a name that no Voxtral has, where one is asked for. */
export function readRoutedForm(form: ReceivedForm): Result<RoutedForm, SttError> {
  const { fields, samples, sizeBytes, route, isLocalVoxtral } = form;
  const demand = parseTranscribeForm(fields, samples);
  const routing = parseRouteForm(fields);
  if (!demand.ok || !routing.ok) {
    const faults = [...(demand.ok ? [] : demand.error), ...(routing.ok ? [] : routing.error)];
    return fail({ kind: 'invalid_fields', faults });
  }
  const { options, format } = demand.value;
  const named = readModelName(options.model, routing.value.useRealtime, isLocalVoxtral);
  if (route === 'voxtral' && named.kind === 'other') {
    const known = [...MISTRAL_MODELS.map(({ id }) => id), ...LOCAL_VOXTRALS];
    return fail({ kind: 'unknown_model', model: named.name, known });
  }
  return ok({ route, routing: routing.value, named, options, format, sizeBytes });
}
