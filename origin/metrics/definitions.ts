/**
 * The metrics as data. The first block keeps the names of the service that this one replaces, for its dashboards;
 * the second is ours. Buckets span what was seen: a dictated sentence on a GPU to hours of audio on a CPU.
 */
export const COUNTERS = {
  requests: {
    name: 'mana_stt_requests_total',
    help: 'Transcriptions asked for, by outcome (success or error), model and language.',
    labelNames: ['status', 'model', 'language'],
  },
  characters: {
    name: 'mana_stt_characters_transcribed_total',
    help: 'Characters of text given back.',
    labelNames: [],
  },
  errors: {
    name: 'mana_stt_errors_total',
    help: 'Answers that were errors, by code.',
    labelNames: ['code'],
  },
  audioSeconds: {
    name: 'mana_stt_audio_seconds_total',
    help: 'Seconds of audio transcribed.',
    labelNames: [],
  },
  engineRestarts: {
    name: 'mana_stt_engine_restarts_total',
    help: 'Times the engine process died and was started again.',
    labelNames: [],
  },
  jobAttempts: {
    name: 'mana_stt_job_attempts_total',
    help: 'Attempts at jobs, by outcome: done, failed, cancelled, retried, handed_back (at the end of the service) or crashed.',
    labelNames: ['outcome'],
  },
  backendAttempts: {
    name: 'mana_stt_backend_attempts_total',
    help: 'Attempts at a recording whose backend is chosen, by backend (whisperx, voxtral or mistral) and what came of it: ok, or why not.',
    labelNames: ['backend', 'code'],
  },
  callers: {
    name: 'mana_stt_callers_total',
    help: 'Requests that were let in, by kind of caller: internal, local-key, external-key, user or anonymous.',
    labelNames: ['kind'],
  },
  refusals: {
    name: 'mana_stt_auth_refusals_total',
    help: 'Requests that were not let in, by reason.',
    labelNames: ['reason'],
  },
  limited: {
    name: 'mana_stt_rate_limited_total',
    help: 'Requests over a limit of their caller: requests or audio_seconds.',
    labelNames: ['limit'],
  },
  gpuEvictions: {
    name: 'mana_stt_gpu_evictions_total',
    help: 'Idle leases that were asked to make room for another, by the service that held them.',
    labelNames: ['owner'],
  },
} as const;

export const GAUGES = {
  modelLoaded: {
    name: 'mana_stt_model_loaded',
    help: '1 when the model is in memory.',
    labelNames: ['model'],
  },
  activeRequests: {
    name: 'mana_stt_active_requests',
    help: 'Transcriptions accepted and not answered yet: uploading, waiting or running.',
    labelNames: [],
  },
  queueWaiting: {
    name: 'mana_stt_queue_waiting',
    help: 'Of the active requests, those that upload or wait.',
    labelNames: [],
  },
  slots: {
    name: 'mana_stt_slots',
    help: 'Recordings that may be worked on at a time: MAX_CONCURRENT_REQUESTS.',
    labelNames: [],
  },
  queueCapacity: {
    name: 'mana_stt_queue_capacity',
    help: 'Requests that may upload or wait besides those: MAX_QUEUE.',
    labelNames: [],
  },
  engineState: {
    name: 'mana_stt_engine_state',
    help: '1 for the state that the engine is in: idle, starting, ready, restarting or failed.',
    labelNames: ['state'],
  },
  memory: {
    name: 'mana_stt_memory_bytes',
    help: 'Resident memory by part: service, or engine as it was after its last call (0 without a process).',
    labelNames: ['part'],
  },
  gpuProblem: {
    name: 'mana_stt_gpu_problem',
    help: '1 while the memory of the GPUs cannot be read, by reason. Missing: it can, or nothing is leased here.',
    labelNames: ['problem'],
  },
  gpuMemory: {
    name: 'mana_stt_gpu_memory_mib',
    help: 'Memory of a device in MiB, by kind: total, used, leased, other (programs without a lease) or room (for a new lease).',
    labelNames: ['device', 'kind'],
  },
  gpuLeased: {
    name: 'mana_stt_gpu_leased_mib',
    help: 'MiB that a service has leased.',
    labelNames: ['owner', 'device'],
  },
  gpuLeases: {
    name: 'mana_stt_gpu_leases',
    help: 'Leases by service and whether they are in_use or idle.',
    labelNames: ['owner', 'state'],
  },
  gpuWaiting: {
    name: 'mana_stt_gpu_waiting',
    help: 'Demands for memory that wait for room.',
    labelNames: [],
  },
  gpuUnreturned: {
    name: 'mana_stt_gpu_unreturned_mib',
    help: 'MiB that did not come back after a lease had ended.',
    labelNames: ['owner'],
  },
  jobs: {
    name: 'mana_stt_jobs',
    help: 'Jobs that are kept, by status.',
    labelNames: ['status'],
  },
} as const;

export const HISTOGRAMS = {
  transcription: {
    name: 'mana_stt_transcription_duration_seconds',
    help: 'Seconds of work on a recording, without upload and waiting.',
    labelNames: ['model'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
  },
  fileSize: {
    name: 'mana_stt_file_size_mb',
    help: 'Size of uploaded files in MB of 1,048,576 bytes.',
    labelNames: [],
    buckets: [0.1, 0.5, 1, 5, 10, 25, 50, 100],
  },
  modelLoad: {
    name: 'mana_stt_model_load_duration_seconds',
    help: 'Seconds to bring a model into memory.',
    labelNames: [],
    buckets: [0.25, 0.5, 1, 2, 5, 10, 20, 60, 120],
  },
  queueWait: {
    name: 'mana_stt_queue_wait_seconds',
    help: 'Seconds between a complete upload and the start of work.',
    labelNames: [],
    buckets: [0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300],
  },
  stage: {
    name: 'mana_stt_stage_duration_seconds',
    help: 'Seconds that one stage spent on a request.',
    labelNames: ['stage'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  },
  engineCall: {
    name: 'mana_stt_engine_call_duration_seconds',
    help: 'Seconds of one call to the engine, by what it was for. One runs at a time: the rate of the sum is how busy it is.',
    labelNames: ['call'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  },
  batchItems: {
    name: 'mana_stt_batch_items',
    help: 'Chunks of audio per batch that went to the engine.',
    labelNames: [],
    buckets: [1, 2, 4, 8, 16, 32, 64],
  },
} as const;
