/**
 * Which backends may answer a request, best first, and why the others may not. Pure: the same request and world give
 * the same plan, in whatever order the backends are listed.
 */
import type {
  BackendState,
  Feature,
  ModelFamily,
  RouteRequest,
  RoutingWorld,
} from '#shared/routing/backends.ts';

export interface RoutePlan {
  /** Best first; empty when nothing can answer. */
  readonly candidates: readonly Candidate[];
  readonly excluded: readonly Exclusion[];
}

/** A backend that may answer. */
export interface Candidate {
  readonly backend: string;
  readonly isHosted: boolean;
  readonly why: 'asked' | 'preferred' | 'suited';
  /** Asked for, but it cannot do this: the answer needs a warning. */
  readonly lacks: readonly Feature[];
  /** The caller named it, though it was not made for the language. */
  readonly isLanguageForeign: boolean;
  readonly expectedWaitSeconds: number;
}

export interface Exclusion {
  readonly backend: string;
  readonly reason: ExclusionReason;
}

export type ExclusionReason =
  | 'hosted_not_allowed'
  | 'not_asked_for'
  | 'unknown_model'
  | 'not_configured'
  | 'fallback_disabled'
  | 'too_long'
  | 'too_large'
  | 'unsupported_language'
  | 'cannot_translate'
  | 'no_segment_times'
  | 'circuit_open';

/**
 * An explicit route or model keeps to what was named: nothing else is a candidate, and what it lacks becomes a
 * warning. With `auto` the order is: alive, does what was asked, no long wait, preferred, in full health, cheap, short
 * wait. `allowHosted: false` comes before everything.
 */
export function chooseBackends(request: RouteRequest, world: RoutingWorld): RoutePlan {
  const excluded: Exclusion[] = [];
  const rated: { readonly candidate: Candidate; readonly rank: readonly number[] }[] = [];
  for (const backend of world.backends) {
    const reason = findExclusion(backend, request, world);
    if (reason !== null) {
      excluded.push({ backend: backend.id, reason });
      continue;
    }
    const candidate = toCandidate(backend, request);
    rated.push({ candidate, rank: rankOf(backend, candidate) });
  }
  rated.sort((a, b) => compareRanks(a.rank, b.rank) || compareIds(a.candidate, b.candidate));
  excluded.sort(compareIds);
  return { candidates: rated.map(({ candidate }) => candidate), excluded };
}

/** The first reason that keeps a backend out; null when none does. Privacy is asked first. */
function findExclusion(
  backend: BackendState,
  request: RouteRequest,
  world: RoutingWorld,
): ExclusionReason | null {
  if (backend.isHosted && !request.allowHosted) return 'hosted_not_allowed';
  if (request.route !== 'auto' && backend.family !== request.route) return 'not_asked_for';
  if (request.model !== undefined && !backend.models.includes(request.model)) {
    return 'unknown_model';
  }
  if (!backend.isConfigured) return 'not_configured';
  if (backend.isHosted && !mayUseHosted(backend, request, world)) return 'fallback_disabled';
  return findInability(backend, request) ?? (backend.isCircuitOpen ? 'circuit_open' : null);
}

/** Without the fallback a hosted backend answers only where it was named, or is the only one of its family. */
function mayUseHosted(
  backend: BackendState,
  request: RouteRequest,
  { backends, isFallbackEnabled }: RoutingWorld,
): boolean {
  if (isFallbackEnabled || request.model !== undefined) return true;
  const asked = askedFamily(request);
  const hasOwn = backends.some(
    (other) => !other.isHosted && other.isConfigured && other.family === backend.family,
  );
  return asked === backend.family && !hasOwn;
}

function findInability(backend: BackendState, request: RouteRequest): ExclusionReason | null {
  const { durationSeconds, sizeBytes, features } = request;
  if (isAbove(durationSeconds, backend.maxDurationSeconds)) return 'too_long';
  if (isAbove(sizeBytes, backend.maxSizeBytes)) return 'too_large';
  if (isForeign(backend, request) && !isExplicit(request)) return 'unsupported_language';
  const cannot = (feature: Feature) =>
    features.includes(feature) && !backend.features.includes(feature);
  // The text in another language, or subtitles without times, would be another answer than the one asked for.
  if (cannot('translation')) return 'cannot_translate';
  if (cannot('segment_times')) return 'no_segment_times';
  return null;
}

function toCandidate(backend: BackendState, request: RouteRequest): Candidate {
  return {
    backend: backend.id,
    isHosted: backend.isHosted,
    why: whyChosen(backend, request),
    lacks: [...new Set(request.features)]
      .filter((feature) => !backend.features.includes(feature))
      .sort(),
    isLanguageForeign: isForeign(backend, request),
    expectedWaitSeconds: expectWait(backend),
  };
}

function whyChosen(backend: BackendState, request: RouteRequest): Candidate['why'] {
  if (isExplicit(request)) return 'asked';
  return request.prefer === backend.family ? 'preferred' : 'suited';
}

/** Compared number by number, smaller first. */
function rankOf(backend: BackendState, candidate: Candidate): readonly number[] {
  return [
    // A report may be old, so what is said to be down is tried last rather than never.
    backend.health === 'down' ? 1 : 0,
    candidate.lacks.length,
    candidate.expectedWaitSeconds > PATIENCE_SECONDS ? 1 : 0,
    candidate.why === 'suited' ? 1 : 0,
    backend.health === 'degraded' ? 1 : 0,
    backend.costPerAudioHour,
    candidate.expectedWaitSeconds,
  ];
}

/** The wait from which on another backend is better than the preferred or the cheaper one. */
const PATIENCE_SECONDS = 60;

/** For an estimate only: the order of magnitude of one request's work. */
const ASSUMED_JOB_SECONDS = 15;

function expectWait({ freeCapacity, queueLength }: BackendState): number {
  const waiting = Math.max(0, queueLength);
  if (freeCapacity === null) return waiting * ASSUMED_JOB_SECONDS;
  return freeCapacity > 0 ? 0 : (waiting + 1) * ASSUMED_JOB_SECONDS;
}

function isExplicit({ route, model }: RouteRequest): boolean {
  return route !== 'auto' || model !== undefined;
}

function askedFamily({ route, prefer }: RouteRequest): ModelFamily | undefined {
  return route === 'auto' ? prefer : route;
}

function isForeign({ languages }: BackendState, { language }: RouteRequest): boolean {
  return language !== undefined && languages !== null && !languages.includes(language);
}

function isAbove(value: number | undefined, limit: number | null): boolean {
  return value !== undefined && limit !== null && value > limit;
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** By code unit: the same in every runtime and locale. */
function compareIds(a: { readonly backend: string }, b: { readonly backend: string }): number {
  if (a.backend === b.backend) return 0;
  return a.backend < b.backend ? -1 : 1;
}
