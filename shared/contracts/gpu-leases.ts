/** `/v1/gpu`: memory of this machine's GPUs, shared among services. Sizes are MiB (1,048,576 bytes). */
import { z } from 'zod';

const MAX_MIB = 2 ** 24;

const mib = z.number().int().min(1).max(MAX_MIB);
const name = (maxCharacters: number) =>
  z
    .string()
    .regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/, 'write printable ASCII characters')
    .max(maxCharacters);
const ttlSeconds = z.number().min(5).max(3600);
const pid = z
  .number()
  .int()
  .min(1)
  .max(2 ** 31 - 1);

/** Body of `POST /v1/gpu/leases`. */
export const GpuLeaseRequest = z.strictObject({
  owner: name(100).describe('Your service, e.g. `mana-tts`.'),
  model: name(200).describe('What will be loaded.'),
  mib: mib.describe('The most that it ever takes, working memory included.'),
  target: name(100)
    .default('default')
    .describe('How it runs, e.g. `cuda/float16`; measured sizes are kept by model and target.'),
  device: name(100).optional().describe('Id or index of a device. Absent: wherever it fits best.'),
  priority: z
    .number()
    .int()
    .min(0)
    .max(9)
    .default(5)
    .describe('The higher is served first, and asked to go last.'),
  ttl_seconds: ttlSeconds.default(60).describe('Without a heartbeat for so long the lease ends.'),
  wait: z
    .number()
    .min(0)
    .max(120)
    .default(0)
    .describe('Seconds to wait for room, in which idle leases are asked to go. 0: at once or not.'),
  in_use: z.boolean().default(true).describe('A lease in use is never asked to go.'),
  release_url: z
    .string()
    .max(500)
    .optional()
    .describe(
      'Gets a POST when the memory is wanted; answer 2xx and release, or 409 while it is in use. Absent: heartbeats say `releasing`.',
    ),
  pid: pid
    .optional()
    .describe('Process that will hold the memory, so that readings can tell what it takes.'),
});

/** Body of `PUT /v1/gpu/leases/{id}`: a heartbeat, and what has changed. */
export const GpuLeaseUpdate = z.strictObject({
  in_use: z.boolean().optional().describe('A lease in use is never asked to go.'),
  loaded: z
    .boolean()
    .optional()
    .describe('Everything is in memory: from now on readings hold all of it.'),
  used_mib: z
    .number()
    .int()
    .min(0)
    .max(MAX_MIB)
    .optional()
    .describe('What it takes now, where no `pid` can tell.'),
  ttl_seconds: ttlSeconds.optional().describe('From now on.'),
  pid: pid.optional().describe('Process that holds the memory.'),
});

/** A lease, as all routes answer it. */
export const GpuLease = z.object({
  id: z.string(),
  owner: z.string(),
  model: z.string(),
  target: z.string(),
  device: z.string(),
  mib: z
    .number()
    .int()
    .describe('What is kept for it: as asked for, or more where more was measured.'),
  measured_mib: z.number().int().nullable(),
  priority: z.number().int(),
  state: z.enum(['active', 'releasing']).describe('`releasing`: let go, or say that it is in use.'),
  in_use: z.boolean(),
  loaded: z.boolean(),
  pid: z.number().int().nullable(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime(),
  expires_at: z.iso.datetime().nullable().describe('Null: of the service itself, in use.'),
});

export const GpuDevice = z.object({
  id: z.string(),
  kind: z.enum(['gpu', 'ram']),
  index: z.number().int(),
  name: z.string(),
  total_mib: z.number().int(),
  used_mib: z.number().int(),
  free_mib: z.number().int(),
  reserve_mib: z.number().int().describe('Kept free.'),
  leased_mib: z.number().int().describe('Of all leases together.'),
  pending_mib: z.number().int().describe('Leased and not loaded yet, as far as can be told.'),
  other_mib: z.number().int().describe('Used by programs without a lease, as far as can be told.'),
  room_mib: z.number().int().describe('What a new lease could take now.'),
  read_at: z.iso.datetime(),
});

/** `GET /v1/gpu`. */
export const GpuStatus = z.object({
  reading: z
    .enum(['ok', 'missing', 'timeout', 'failed', 'nonsense'])
    .describe('Other than `ok`: memory cannot be read, and nothing is granted.'),
  durable: z.boolean().describe('False: the disk takes no changes, so a restart forgets leases.'),
  devices: z.array(GpuDevice),
  leases: z.array(GpuLease),
  waiting: z.array(
    z.object({
      owner: z.string(),
      model: z.string(),
      device: z.string().nullable(),
      mib: z.number().int(),
      priority: z.number().int(),
      since: z.iso.datetime(),
      until: z.iso.datetime(),
      overtaken: z.number().int().describe('How many who came later were served before.'),
    }),
  ),
  unreturned: z
    .array(
      z.object({
        owner: z.string(),
        model: z.string(),
        device: z.string(),
        missing_mib: z.number().int(),
        found_at: z.iso.datetime(),
      }),
    )
    .describe('Ended leases whose memory did not come back, newest last.'),
});

export type GpuLeaseRequest = z.output<typeof GpuLeaseRequest>;
export type GpuLeaseUpdate = z.output<typeof GpuLeaseUpdate>;
export type GpuLease = z.infer<typeof GpuLease>;
export type GpuStatus = z.infer<typeof GpuStatus>;
