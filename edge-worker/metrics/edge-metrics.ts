/**
 * The edge's metrics as data. Labels are patterns of routes, names that the operator gave, and fixed words: never a path,
 * an id or a key of a caller. Buckets span a refusal of a millisecond to hours of audio on a slow origin.
 */
export const COUNTERS = {
  requests: {
    name: 'mana_stt_edge_requests_total',
    help: 'Requests answered, by pattern of the route and status.',
    labelNames: ['route', 'status'],
  },
  refusals: {
    name: 'mana_stt_edge_refusals_total',
    help: 'Requests that were not let in, by reason.',
    labelNames: ['reason'],
  },
  limited: {
    name: 'mana_stt_edge_limited_total',
    help: 'Requests over a limit: of their address, of the requests or of the audio_seconds of their caller.',
    labelNames: ['kind'],
  },
  attempts: {
    name: 'mana_stt_edge_attempts_total',
    help: 'Attempts at a backend, by outcome: ok, final (the fault of the caller), next, again, timeout, aborted or circuit_open (not asked).',
    labelNames: ['backend', 'outcome'],
  },
  audioSeconds: {
    name: 'mana_stt_edge_audio_seconds_total',
    help: 'Seconds of audio transcribed, by the backend that did it.',
    labelNames: ['backend'],
  },
} as const satisfies Record<string, Described>;

export const HISTOGRAMS = {
  requestDuration: {
    name: 'mana_stt_edge_request_duration_seconds',
    help: 'Seconds until an answer began, by pattern of the route.',
    labelNames: ['route'],
    bounds: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
  },
  uploadBytes: {
    name: 'mana_stt_edge_upload_bytes',
    help: 'Size of uploads in bytes.',
    labelNames: [],
    bounds: [65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864, 104_857_600],
  },
} as const satisfies Record<string, Described & { readonly bounds: readonly number[] }>;

/** Found out when the page is read. */
export const GAUGES = {
  originUp: {
    name: 'mana_stt_edge_origin_up',
    help: '1 when the origin answers, else 0.',
    labelNames: ['origin'],
  },
  originFreeSlots: {
    name: 'mana_stt_edge_origin_free_slots',
    help: 'Recordings that the origin could begin at once; 0 when it does not say.',
    labelNames: ['origin'],
  },
  originWaiting: {
    name: 'mana_stt_edge_origin_waiting',
    help: 'Requests that wait at the origin; 0 when it does not say.',
    labelNames: ['origin'],
  },
  breakerState: {
    name: 'mana_stt_edge_breaker_state',
    help: 'The circuit breaker of a backend: 0 closed, 1 half-open (one request may try), 2 open. Missing: nobody asked for a day.',
    labelNames: ['backend'],
  },
  buildInfo: {
    name: 'mana_stt_edge_build_info',
    help: 'Always 1; the label is the version of the Worker that answers.',
    labelNames: ['version'],
  },
} as const satisfies Record<string, Described>;

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

export type CounterId = keyof typeof COUNTERS;
export type HistogramId = keyof typeof HISTOGRAMS;

/** One step of a counter, or one value that a histogram observed. */
export interface MetricSample {
  readonly metric: CounterId | HistogramId;
  /** One value for each of `labelNames`, in their order. */
  readonly labels: readonly string[];
  /** Not negative. */
  readonly value: number;
}

/** What a report of one request holds at most. */
export const MAX_SAMPLES = 100;

export function isCounterId(metric: string): metric is CounterId {
  return Object.hasOwn(COUNTERS, metric);
}

export function isHistogramId(metric: string): metric is HistogramId {
  return Object.hasOwn(HISTOGRAMS, metric);
}
