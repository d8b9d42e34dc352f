/** Forms that are none, or far too much of one. */
import {
  BOUNDARY,
  END,
  FORM_TYPE,
  field,
  file,
  form,
  type HostileCase,
  inChunks,
  part,
  type Sent,
  SILENCE,
} from '#test/support/hostile-cases/hostile-case.ts';

const MB = 1024 * 1024;
const DISPOSITION = 'Content-Disposition: form-data';
const NAMED = `${DISPOSITION}; name="file"; filename="a.wav"`;

/** A form whose file is a good recording. */
const withFile = (...parts: readonly (Uint8Array | string)[]) => form(...parts, file(SILENCE));
const typed = (type: string): Sent => ({ ...withFile(), headers: [`Content-Type: ${type}`] });
const malformed = { status: [400], code: 'malformed_body' } as const;

export const FORM_CASES: readonly HostileCase[] = [
  {
    name: 'no Content-Type',
    request: () => ({ body: 'x' }),
    status: [415],
    code: 'unsupported_media_type',
  },
  { name: 'JSON', request: () => typed('application/json'), status: [415] },
  {
    name: 'a form of addresses',
    request: () => typed('application/x-www-form-urlencoded'),
    status: [415],
  },
  {
    name: 'multipart/mixed',
    request: () => typed(`multipart/mixed; boundary=${BOUNDARY}`),
    status: [415],
  },
  { name: 'no boundary', request: () => typed('multipart/form-data'), ...malformed },
  {
    name: 'an empty boundary',
    request: () => typed('multipart/form-data; boundary='),
    ...malformed,
  },
  {
    name: 'another boundary',
    request: () => typed('multipart/form-data; boundary=other'),
    ...malformed,
  },
  {
    name: 'a boundary of 8 kB',
    request: () => typed(`multipart/form-data; boundary=${'b'.repeat(8000)}`),
    ...malformed,
  },
  {
    name: 'two boundaries',
    request: () => typed(`multipart/form-data; boundary=x; boundary=${BOUNDARY}`),
    status: [400],
  },
  {
    name: 'no body',
    request: () => ({ headers: [FORM_TYPE], length: 'Content-Length: 0' }),
    ...malformed,
  },
  { name: 'only the last boundary', request: () => form(), status: [400], code: 'no_file' },
  {
    name: '1,000 parts',
    request: () => withFile(...Array.from({ length: 1000 }, (_, index) => field(`f${index}`, 'x'))),
    ...malformed,
  },
  {
    name: '1,000 files in other fields',
    request: () =>
      withFile(...Array.from({ length: 1000 }, (_, index) => file('x', 'a.wav', `f${index}`))),
    ...malformed,
  },
  {
    name: 'the head of a part that does not end',
    request: () => ({
      headers: [FORM_TYPE],
      body: `--${BOUNDARY}\r\n${'X-A: b\r\n'.repeat(50_000)}`,
    }),
    ...malformed,
  },
  {
    name: 'a part without a name',
    request: () => withFile(part(DISPOSITION)),
    status: [200],
  },
  { name: 'a part without any head', request: () => withFile(part('')), status: [200] },
  {
    name: 'a form within the form',
    request: () =>
      withFile(
        part(
          `${DISPOSITION}; name="x"\r\nContent-Type: multipart/mixed; boundary=in`,
          '--in\r\n\r\nx\r\n--in--',
        ),
      ),
    status: [200],
  },
  {
    name: 'two files',
    request: () => form(file(SILENCE), file(SILENCE)),
    status: [400],
    code: 'several_files',
  },
  {
    name: 'a file in "file" and one in "audio"',
    request: () => form(file(SILENCE), file(SILENCE, 'b.wav', 'audio')),
    status: [400],
    code: 'several_files',
  },
  {
    name: 'a file in another field',
    request: () => form(file(SILENCE, 'a.wav', 'upload')),
    status: [400],
    code: 'no_file',
  },
  {
    name: 'a file of zero bytes',
    request: () => form(file('')),
    status: [400],
    code: 'empty_file',
  },
  {
    name: 'a path as the name',
    request: () => form(file(SILENCE, '../../../../etc/passwd')),
    status: [200],
  },
  { name: 'a NUL in the name', request: () => form(file(SILENCE, 'a\0.wav')), status: [200] },
  {
    name: 'quotes and a break in the name',
    request: () => form(file(SILENCE, 'a\\"; name=\\"x.wav')),
    status: [200],
  },
  {
    name: 'a name of 7,000 letters',
    request: () => form(file(SILENCE, `${'a'.repeat(7000)}.wav`)),
    status: [200],
  },
  {
    name: 'a name of broken percent signs',
    request: () => form(part(`${DISPOSITION}; name="file"; filename*=UTF-8''%zz%ff`, SILENCE)),
    status: [200],
  },
  {
    name: 'a shell command as the name',
    request: () => form(file(SILENCE, '$(reboot);`id`|.wav')),
    status: [200],
  },
  {
    name: 'an option of ffmpeg as the name',
    request: () => form(file(SILENCE, '-i concat:a.wav')),
    status: [200],
  },
  {
    name: 'a field of 1 MB',
    request: () => withFile(field('prompt', 'x'.repeat(MB))),
    status: [422],
    code: 'invalid_fields',
  },
  {
    name: 'a field name of 7,000 letters',
    request: () => withFile(field('n'.repeat(7000), 'x')),
    status: [200],
  },
  {
    name: '__proto__ and its kin as fields',
    request: () =>
      withFile(
        field('__proto__', '{"isAdmin":true}'),
        field('constructor', 'x'),
        field('toString', 'x'),
        field('hasOwnProperty', 'x'),
      ),
    status: [200],
  },
  {
    name: 'markup in a field',
    request: () => withFile(field('language', '<script>alert(1)</script>')),
    status: [422],
  },
  {
    name: 'a model that is a path',
    request: () => withFile(field('model', '../../../etc/passwd')),
    status: [422],
    code: 'invalid_fields',
  },
  {
    name: 'a beam of 10⁹',
    request: () => withFile(field('beam_size', '1000000000')),
    status: [422],
    code: 'invalid_fields',
  },
  {
    name: 'a temperature of 1e999',
    request: () => withFile(field('temperature', '1e999')),
    status: [422],
    code: 'invalid_fields',
  },
  {
    name: 'known speakers of 60 kB of brackets',
    request: () => withFile(field('known_speakers', '['.repeat(60_000))),
    status: [422],
    code: 'invalid_fields',
  },
  {
    name: 'a sample that is an address',
    request: () =>
      withFile(
        field('known_speaker_names', 'Ada'),
        field('known_speaker_references', 'http://169.254.169.254/latest/meta-data'),
      ),
    status: [422],
    code: 'invalid_fields',
  },
  {
    name: 'no last boundary',
    request: () => ({ headers: [FORM_TYPE], body: file(SILENCE) }),
    ...malformed,
  },
  {
    name: 'no last boundary, in chunks',
    request: () => inChunks({ headers: [FORM_TYPE], body: file(SILENCE) }),
    ...malformed,
  },
  {
    name: 'more parts behind the last boundary',
    request: () => ({
      headers: [FORM_TYPE],
      body: Buffer.concat([file(SILENCE), Buffer.from(END), file('evil'), Buffer.from(END)]),
    }),
    status: [200],
  },
  {
    name: '1 MB before the first boundary',
    request: () => withFile('x'.repeat(MB - 4000), '\r\n'),
    status: [200],
  },
  {
    name: 'line breaks alone, 1 MB',
    request: () => ({ headers: [FORM_TYPE], body: '\r\n'.repeat(MB / 2) }),
    ...malformed,
  },
  {
    name: 'nearly boundaries, 1 MB',
    request: () => form(file(`\r\n--${BOUNDARY.slice(0, -1)}`.repeat(50_000))),
    status: [400],
    code: 'undecodable_audio',
  },
  {
    name: 'a file in base64',
    request: () =>
      form(part(`${NAMED}\r\nContent-Transfer-Encoding: base64`, SILENCE.toString('base64'))),
    status: [400],
    code: 'undecodable_audio',
  },
];
