/** Writes the tables of `docs/api.md` from the contracts: `node origin/cli/api-docs.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import {
  GpuDevice,
  GpuLease,
  GpuLeaseRequest,
  GpuLeaseUpdate,
  GpuStatus,
} from '#shared/contracts/gpu-leases.ts';
import { JobProgress, JobResponse } from '#shared/contracts/jobs.ts';
import { RouteForm } from '#shared/contracts/route-form.ts';
import { HealthResponse, ModelsResponse } from '#shared/contracts/service.ts';
import { TranscribeForm } from '#shared/contracts/transcribe-form.ts';
import {
  TranscriptionCoverage,
  TranscriptionResponse,
  TranscriptionSegment,
  TranscriptionWord,
} from '#shared/contracts/transcription.ts';
import { TranscriptionSpeaker, TranscriptionUtterance } from '#shared/contracts/utterances.ts';
import { errorToWire } from '#shared/error-to-wire.ts';
import type { SttError } from '#shared/errors.ts';

/** Where the page lives. */
export const API_DOCS_FILE = fileURLToPath(new URL('../../docs/api.md', import.meta.url));

/** The page with every block between `<!-- made:NAME -->` and `<!-- /made:NAME -->` made anew. */
export function renderApiDocs(page: string): string {
  return page.replace(
    /(<!-- made:(\w+) -->\n)[\s\S]*?(<!-- \/made:\2 -->)/g,
    (_block, start: string, name: string, end: string) => {
      const make = BLOCKS[name];
      if (make === undefined) throw new Error(`docs/api.md: there is no block "${name}"`);
      return `${start}\n${make()}\n\n${end}`;
    },
  );
}

const BLOCKS: Readonly<Record<string, () => string>> = {
  form: () => fieldTable(TranscribeForm, ['Field', 'Default', 'Meaning'], formRow),
  route: () => fieldTable(RouteForm, ['Field', 'Default', 'Meaning'], formRow),
  answer: () => fieldTable(TranscriptionResponse, ['Member', 'Type', 'Meaning'], memberRow),
  word: () => fieldTable(TranscriptionWord, ['Member', 'Type', 'Meaning'], memberRow),
  segment: () => fieldTable(TranscriptionSegment, ['Member', 'Type', 'Meaning'], memberRow),
  utterance: () => fieldTable(TranscriptionUtterance, ['Member', 'Type', 'Meaning'], memberRow),
  speaker: () => fieldTable(TranscriptionSpeaker, ['Member', 'Type', 'Meaning'], memberRow),
  coverage: () => fieldTable(TranscriptionCoverage, ['Member', 'Type', 'Meaning'], memberRow),
  health: () => fieldTable(HealthResponse, ['Member', 'Type', 'Meaning'], memberRow),
  models: () => fieldTable(ModelsResponse, ['Member', 'Type', 'Meaning'], memberRow),
  job: () => fieldTable(JobResponse, ['Member', 'Type', 'Meaning'], memberRow),
  progress: () => fieldTable(JobProgress, ['Member', 'Type', 'Meaning'], memberRow),
  gpu_request: () => fieldTable(GpuLeaseRequest, ['Member', 'Default', 'Meaning'], formRow),
  gpu_update: () => fieldTable(GpuLeaseUpdate, ['Member', 'Default', 'Meaning'], formRow),
  gpu_lease: () => fieldTable(GpuLease, ['Member', 'Type', 'Meaning'], memberRow),
  gpu_status: () => fieldTable(GpuStatus, ['Member', 'Type', 'Meaning'], memberRow),
  gpu_device: () => fieldTable(GpuDevice, ['Member', 'Type', 'Meaning'], memberRow),
  errors: errorTable,
};

/** The members of a JSON Schema that the page shows. */
const FieldSchema = z.object({
  description: z.string().optional(),
  default: z.unknown().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.string()).optional(),
  anyOf: z.array(z.object({ type: z.string().optional() })).optional(),
});
type FieldSchema = z.infer<typeof FieldSchema>;

type Row = (name: string, field: FieldSchema, isRequired: boolean) => string[];

function fieldTable(schema: z.ZodObject, head: string[], toRow: Row): string {
  const rows = Object.entries(schema.shape).map(([name, field]) => {
    const json = z.toJSONSchema(z.object({ field }), { io: 'output', unrepresentable: 'any' });
    const isRequired = json.required?.includes('field') ?? false;
    return toRow(name, FieldSchema.parse(json.properties?.['field']), isRequired);
  });
  return table([head, ...rows]);
}

function formRow(name: string, { description, default: value }: FieldSchema): string[] {
  return [`\`${name}\``, value === undefined ? '' : `\`${String(value)}\``, description ?? ''];
}

function memberRow(name: string, field: FieldSchema, isRequired: boolean): string[] {
  const types = field.anyOf?.map(({ type }) => type ?? 'any') ?? [field.type ?? 'any'].flat();
  const type = field.enum?.map((value) => `\`${value}\``).join(', ') ?? types.join(' or ');
  return [`\`${name}\``, isRequired ? type : `${type}, may be absent`, field.description ?? ''];
}

function errorTable(): string {
  const rows = Object.values(EXAMPLES).map((error) => {
    const { status, headers, body } = errorToWire(error, { requestId: '' });
    const extra = Object.keys(headers).filter((name) => name !== 'Content-Type');
    const { detail } = body;
    const example = typeof detail === 'string' ? detail : JSON.stringify(detail);
    return { status, row: [String(status), `\`${body.code}\``, example, extra.join(', ')] };
  });
  rows.sort((a, b) => a.status - b.status);
  return table([
    ['Status', '`code`', 'Example of `detail`', 'Headers'],
    ...rows.map(({ row }) => row),
  ]);
}

/** One of each kind; the compiler asks for every one. */
const EXAMPLES: { readonly [Kind in SttError['kind']]: Extract<SttError, { kind: Kind }> } = {
  no_file: { kind: 'no_file', fields: ['language'] },
  empty_file: { kind: 'empty_file' },
  several_files: { kind: 'several_files' },
  undecodable_audio: {
    kind: 'undecodable_audio',
    explanation: 'This looks like a PDF document, not audio. Send a recording as mp3, wav, …',
  },
  malformed_body: { kind: 'malformed_body', problem: 'it ends too early or is damaged' },
  unauthenticated: { kind: 'unauthenticated' },
  forbidden: { kind: 'forbidden', wanted: 'the scope stt' },
  auth_unavailable: { kind: 'auth_unavailable', retryAfterSeconds: 4 },
  unknown_model: { kind: 'unknown_model', model: 'huge', known: ['base'] },
  unknown_route: { kind: 'unknown_route', method: 'GET', path: '/transcripe' },
  method_not_allowed: { kind: 'method_not_allowed', method: 'GET', allowed: ['POST'] },
  upload_stalled: { kind: 'upload_stalled', limitSeconds: 30 },
  upload_too_large: { kind: 'upload_too_large', limitBytes: 100 * 1024 * 1024 },
  audio_too_long: { kind: 'audio_too_long', limitSeconds: 14_400 },
  unsupported_media_type: { kind: 'unsupported_media_type', found: 'application/json' },
  invalid_fields: {
    kind: 'invalid_fields',
    faults: [
      {
        field: 'beam_size',
        message: '"x" is not a whole number from 1 to 10.',
        type: 'int_parsing',
      },
    ],
  },
  queue_full: { kind: 'queue_full', position: 21, retryAfterSeconds: 12 },
  client_gone: { kind: 'client_gone' },
  unknown_job: { kind: 'unknown_job' },
  job_unfinished: { kind: 'job_unfinished', status: 'queued' },
  job_cancelled: { kind: 'job_cancelled' },
  job_given_up: { kind: 'job_given_up', crashes: 3 },
  jobs_full: { kind: 'jobs_full', limit: 1000, retryAfterSeconds: 30 },
  idempotency_conflict: { kind: 'idempotency_conflict' },
  invalid_parameter: {
    kind: 'invalid_parameter',
    name: 'wait',
    message: '"x" is not a number from 0 to 30.',
  },
  internal: { kind: 'internal' },
  engine_unavailable: { kind: 'engine_unavailable', state: 'restarting', retryAfterSeconds: 1 },
  shutting_down: { kind: 'shutting_down', retryAfterSeconds: 10 },
  model_unavailable: {
    kind: 'model_unavailable',
    model: 'segmentation-3.0',
    task: 'find speech',
  },
  storage_full: { kind: 'storage_full' },
  rate_limited: { kind: 'rate_limited', retryAfterSeconds: 20 },
  backend_unavailable: {
    kind: 'backend_unavailable',
    backend: 'gpu',
    problem: 'unreachable',
  },
  backend_busy: { kind: 'backend_busy', backend: 'mistral', retryAfterSeconds: 17 },
  backends_failed: {
    kind: 'backends_failed',
    tried: [
      { backend: 'whisperx', code: 'queue_full' },
      { backend: 'mistral', code: 'timeout' },
    ],
    retryAfterSeconds: 5,
  },
  no_backend: {
    kind: 'no_backend',
    explanation: 'No backend can answer this request: mistral failed too often just now.',
    retryAfterSeconds: 10,
  },
  no_suitable_backend: {
    kind: 'no_suitable_backend',
    explanation: 'No backend can answer this request: mistral cannot translate.',
  },
  recording_too_large: {
    kind: 'recording_too_large',
    explanation: 'The recording is too long for Voxtral. Send it in parts.',
  },
  timeout: { kind: 'timeout', doing: 'decoding the audio', limitSeconds: 600 },
  no_gpu_memory: {
    kind: 'no_gpu_memory',
    neededMib: 9000,
    room: {
      ...{ device: 'GPU-8a1b…', roomMib: 4096, otherMib: 700 },
      blockers: [
        {
          ...{ owner: 'mana-tts', model: 'f5', device: 'GPU-8a1b…', mib: 6000, priority: 5 },
          isInUse: true,
        },
      ],
    },
  },
  lease_too_large: { kind: 'lease_too_large', neededMib: 90_000, limitMib: 23_552 },
  no_memory_for_model: {
    ...{ kind: 'no_memory_for_model', model: 'large-v3', neededMib: 6200, roomMib: 2048 },
    ...{ isTooLarge: false, retryAfterSeconds: 10 },
  },
  unknown_device: { kind: 'unknown_device', device: 'gpu7', known: ['GPU-8a1b…'] },
  device_unreadable: { kind: 'device_unreadable', retryAfterSeconds: 1 },
  too_many_leases: { kind: 'too_many_leases', limit: 1000 },
  unknown_lease: { kind: 'unknown_lease' },
  lease_ended: { kind: 'lease_ended', end: 'expired' },
};

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const rule = head.map(() => '---');
  return [head, rule, ...body].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

if (import.meta.main) {
  writeFileSync(API_DOCS_FILE, renderApiDocs(readFileSync(API_DOCS_FILE, 'utf8')));
}
