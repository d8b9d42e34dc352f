/**
 * Bodies that are too large, too short, or do not come. The limit is small in these tests. What is refused before the
 * body comes reaches the client from workerd, but not through the proxy that `wrangler dev` puts before it: that one
 * passes an answer on when the body has ended.
 */
import {
  END,
  FORM_TYPE,
  field,
  file,
  form,
  type HostileCase,
  type HostileWorld,
  inChunks,
} from '#test/support/hostile-cases/hostile-case.ts';

const MB = 1024 * 1024;
const tooLarge = { status: [413], code: 'upload_too_large' } as const;
const zeros = ({ maxUploadBytes }: HostileWorld, more: number) =>
  Buffer.alloc(maxUploadBytes + more);

export const SIZE_CASES: readonly HostileCase[] = [
  { name: 'one byte over the limit', request: (world) => form(file(zeros(world, 1))), ...tooLarge },
  {
    name: 'one byte over the limit, in chunks',
    request: (world) => inChunks(form(file(zeros(world, 1)))),
    ...tooLarge,
  },
  {
    name: 'twice the limit, in chunks, without an end',
    request: (world) => {
      const { body = '' } = inChunks(form(file(zeros(world, world.maxUploadBytes))));
      const open = Buffer.from(body as Uint8Array).subarray(0, -5);
      return { headers: [FORM_TYPE, 'Transfer-Encoding: chunked'], body: open, length: null };
    },
    ...tooLarge,
  },
  {
    name: 'a length of 10 GB, and nothing',
    request: () => ({ headers: [FORM_TYPE], length: 'Content-Length: 10000000000' }),
    ...tooLarge,
    only: 'origin',
  },
  {
    name: 'a length of 10 GB that is waited for',
    request: () => ({
      headers: [FORM_TYPE, 'Expect: 100-continue'],
      length: 'Content-Length: 10000000000',
    }),
    ...tooLarge,
    only: 'origin',
  },
  {
    name: 'a length beyond all numbers',
    request: () => ({ headers: [FORM_TYPE], length: `Content-Length: ${'9'.repeat(30)}` }),
    status: [400],
    refusedBy: 'server',
  },
  {
    name: 'fields of more than the form may have besides its file',
    request: (world) =>
      form(
        ...Array.from({ length: 40 }, (_, index) => field(`f${index}`, 'x'.repeat(60_000))),
        file(zeros(world, 0)),
      ),
    ...tooLarge,
  },
  {
    name: 'a length smaller than the body',
    request: () => ({ ...form(file('RIFF')), length: 'Content-Length: 60' }),
    status: [400],
    // Node sees a second request that is none before the first has its answer.
    refusedBy: 'server',
  },
  {
    name: 'a length larger than the body, and silence',
    request: () => ({ ...form(file('RIFF')), length: 'Content-Length: 5000' }),
    status: [408],
    code: 'upload_stalled',
  },
  {
    name: 'a body that never begins',
    request: () => ({ headers: [FORM_TYPE], length: 'Content-Length: 5000' }),
    status: [408],
    code: 'upload_stalled',
  },
  {
    name: 'chunks that stop in the middle of the file',
    request: () => ({
      headers: [FORM_TYPE, 'Transfer-Encoding: chunked'],
      body: Buffer.concat([Buffer.from('10000\r\n'), file(Buffer.alloc(MB / 32))]),
      length: null,
    }),
    status: [408],
    code: 'upload_stalled',
  },
  {
    name: 'chunks of one byte',
    request: () => inChunks(form(file('This is no music.')), 1),
    status: [400],
    code: 'undecodable_audio',
  },
  {
    name: 'a body for a route that takes none',
    request: () => ({ method: 'GET', path: '/health', body: `x${END}` }),
    status: [200],
  },
];
