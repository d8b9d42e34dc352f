import {
  type Asked,
  type Backend,
  type RoutedWork,
  toTranscribeRequest,
} from '#origin/backends/backend.ts';
import { toLocalFailure } from '#origin/backends/local-failure.ts';
import type { VoxtralAccess, VoxtralTranscriber } from '#origin/pipeline/transcriber.ts';
import {
  breakerOutcomeOf,
  describeVoxtralFailure,
  toAttemptFailure,
  type VoxtralFailure,
} from '#origin/voxtral/failure.ts';
import { findVoxtralModel, type VoxtralModel } from '#origin/voxtral/models.ts';
import type { SttError } from '#shared/errors.ts';
import { fail, ok } from '#shared/result.ts';
import {
  LOCAL_VOXTRAL_COST,
  LOCAL_VOXTRAL_FEATURES,
  VOXTRAL_BACKEND,
} from '#shared/routing/backend-states.ts';
import { VOXTRAL_LANGUAGES } from '#shared/routing/backends.ts';
import type { RoutedForm } from '#shared/routing/to-route-request.ts';

export interface VoxtralParts {
  readonly transcriber: VoxtralTranscriber;
  readonly access: VoxtralAccess;
}

/** Voxtral at vLLM, with the times and speakers of our own engine. */
export function voxtralBackend({ transcriber, access }: VoxtralParts): Backend {
  const { server } = access;
  return {
    id: VOXTRAL_BACKEND,
    async look({ load }) {
      const { freeSlots, waiting } = load();
      return {
        family: 'voxtral',
        isHosted: false,
        isConfigured: true,
        models: [server.model.id],
        languages: VOXTRAL_LANGUAGES,
        features: LOCAL_VOXTRAL_FEATURES,
        maxDurationSeconds: null,
        maxSizeBytes: null,
        health: (await server.isAvailable()) ? 'healthy' : 'down',
        freeCapacity: freeSlots,
        queueLength: waiting,
        costPerAudioHour: LOCAL_VOXTRAL_COST,
      };
    },
    async ask(work, signal) {
      try {
        await work.untilSlot();
        const request = toTranscribeRequest(work, signal);
        const answer = await transcriber.transcribeVoxtral(request, access);
        if (!answer.ok) return toAsked(answer.error);
        const warnings = [...listIgnored(work), ...nameOther(work.form, server.model)];
        const transcript = answer.value;
        const told = { ...transcript, warnings: [...transcript.warnings, ...warnings] };
        return { result: ok(told), outcome: { kind: 'success' } };
      } catch (thrown) {
        return toLocalFailure(thrown);
      }
    },
  };
}

function toAsked(failure: VoxtralFailure): Asked {
  const attempt = toAttemptFailure(failure);
  return {
    result: fail({ ...attempt, error: toSttError(failure) }),
    outcome: breakerOutcomeOf(failure),
  };
}

function toSttError(failure: VoxtralFailure): SttError {
  if (failure.kind === 'aborted') return { kind: 'client_gone' };
  const retryAfterSeconds = 'retryAfterSeconds' in failure ? failure.retryAfterSeconds : null;
  // When to come back is said by the error itself.
  const [what = ''] = describeVoxtralFailure(failure).split(' Try again');
  return { kind: 'no_backend', explanation: what, retryAfterSeconds };
}

/** What routing does not know as a feature. */
function listIgnored({ form }: RoutedWork): string[] {
  const { beamSize, temperature, languages } = form.options;
  const isGiven: readonly (readonly [name: string, given: boolean])[] = [
    ['beam_size', beamSize !== undefined],
    ['temperature', temperature !== undefined],
    ['languages', languages !== undefined && form.options.language !== undefined],
  ];
  const names = isGiven.filter(([, given]) => given).map(([name]) => name);
  return names.length === 0 ? [] : [`Voxtral has no such thing and ignored: ${names.join(', ')}.`];
}

/** How routing writes `use_realtime=true`. */
const REALTIME = 'use_realtime';

function nameOther({ named }: RoutedForm, served: VoxtralModel): string[] {
  if (named.kind !== 'local_voxtral') return [];
  const wanted = findVoxtralModel(named.name === REALTIME ? 'realtime' : named.name);
  if (wanted?.id === served.id) return [];
  return [`${named.name} was asked for and is not here; ${served.id} answered.`];
}
