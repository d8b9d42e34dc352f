/** What the caller is told of the way its request took: headers and sentences, nothing of addresses or keys. */
import type { Feature } from '#shared/routing/backends.ts';
import type {
  Candidate,
  Exclusion,
  ExclusionReason,
  RoutePlan,
} from '#shared/routing/choose-backends.ts';
import type { Attempt } from '#shared/routing/try-in-order.ts';

/**
 * `x-mana-backend`: who answered, when somebody did, without which of its machines. `x-mana-route`: every attempt in its order, then who was left out,
 * e.g. `whisperx=engine_unavailable, mistral=ok; voxtral=not_configured`.
 */
export function routeHeaders(
  plan: RoutePlan,
  tried: readonly Attempt[],
): Readonly<Record<string, string>> {
  const answered = tried.find(({ outcome }) => outcome === 'ok');
  const attempts = tried.map(({ backend, code }) => `${toToken(backend)}=${toToken(code)}`);
  const left = plan.excluded.map(({ backend, reason }) => `${toToken(backend)}=${reason}`);
  const parts = [attempts.join(', ') || 'none', left.join(', ')].filter((part) => part !== '');
  return {
    ...(answered !== undefined && { 'x-mana-backend': familyOf(answered.backend) }),
    'x-mana-route': parts.join('; ').slice(0, MAX_HEADER_LENGTH),
  };
}

/** Sentences for `warnings`: which backends failed before the one that answered, and what it could not do. */
export function routeWarnings(plan: RoutePlan, tried: readonly Attempt[]): string[] {
  const answered = tried.find(({ outcome }) => outcome === 'ok');
  if (answered === undefined) return [];
  const failed = tried.filter(({ outcome }) => outcome !== 'ok');
  const asked = failed.map(({ backend, code }) => `${toToken(backend)} (${toToken(code)})`);
  const candidate = plan.candidates.find(({ backend }) => backend === answered.backend);
  return [
    ...(asked.length === 0
      ? []
      : [`Answered by ${toToken(answered.backend)}, after ${asked.join(', ')} failed.`]),
    ...(candidate === undefined ? [] : describeLacks(candidate)),
  ];
}

/** Why nothing can answer, as a sentence for an error. */
export function describeEmptyPlan({ excluded }: RoutePlan): string {
  if (excluded.length === 0) return 'No backend is set up.';
  return `No backend can answer this request: ${listReasons(excluded)}.`;
}

/** Why the others were not asked, as a sentence behind what went wrong with the one that was. */
export function describeLeftOut({ excluded }: RoutePlan): string {
  return excluded.length === 0 ? '' : `Not asked: ${listReasons(excluded)}.`;
}

function listReasons(excluded: readonly Exclusion[]): string {
  return excluded.map(({ backend, reason }) => `${toToken(backend)} ${REASONS[reason]}`).join(', ');
}

function describeLacks({ backend, lacks, isLanguageForeign }: Candidate): string[] {
  const name = toToken(backend);
  return [
    ...lacks.map((feature) => `${name} cannot give ${FEATURES[feature]}.`),
    ...(isLanguageForeign ? [`${name} was not made for this language.`] : []),
  ];
}

const MAX_HEADER_LENGTH = 1000;

const REASONS: Readonly<Record<ExclusionReason, string>> = {
  hosted_not_allowed: 'is hosted by others, which the request forbids',
  not_asked_for: 'was not asked for',
  unknown_model: 'does not have the model',
  not_configured: 'is not set up',
  fallback_disabled: 'is switched off as a fallback',
  too_long: 'takes no recording as long as this',
  too_large: 'takes no file as large as this',
  unsupported_language: 'does not know the language',
  cannot_translate: 'cannot translate',
  no_segment_times: 'gives no times',
  circuit_open: 'failed too often just now',
};

const FEATURES: Readonly<Record<Feature, string>> = {
  word_times: 'word times',
  segment_times: 'times of sentences',
  diarization: 'speakers',
  diarization_with_word_times: 'speakers together with word times',
  known_speakers: 'names of known speakers',
  channel_split: 'channels apart',
  char_alignments: 'times of characters',
  prompt: 'weight to a prompt',
  hotwords: 'weight to hotwords',
  language_hint: 'weight to the language named',
  translation: 'a translation',
};

/** `whisperx.gpu1` → `whisperx`: the machines of one backend stand behind its name. */
function familyOf(backend: string): string {
  return toToken(backend.split('.')[0] ?? '');
}

/** Whatever a name holds, a header stays one line of plain tokens. */
function toToken(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64);
}
