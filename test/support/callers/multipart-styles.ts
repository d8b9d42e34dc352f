/**
 * Forms as the libraries of existing callers write them, byte by byte, each from the source of the library that is
 * named with it. Every form has the field `language` = `de` and one recording.
 */

/** One way to write a form. */
export interface MultipartStyle {
  readonly name: string;
  readonly contentType: string;
  /** As the origin must understand it; undefined: there is none. */
  readonly fileName: string | undefined;
  encode(recording: Uint8Array): Buffer;
}

interface Layout {
  readonly boundary: string;
  /** Of the Content-Type. Default: the boundary without quotes. */
  readonly quoted?: boolean;
  readonly fileName?: string;
  /** Lines before each content. */
  readonly field: readonly string[];
  readonly file: readonly string[];
  readonly before?: string;
  /** Default: a line break. */
  readonly after?: string;
}

function style(name: string, layout: Layout): MultipartStyle {
  const { boundary, field, file, quoted = false, before = '', after = '\r\n' } = layout;
  const head = (lines: readonly string[]) => `--${boundary}\r\n${lines.join('\r\n')}\r\n\r\n`;
  return {
    name,
    contentType: `multipart/form-data; boundary=${quoted ? `"${boundary}"` : boundary}`,
    fileName: layout.fileName,
    encode: (recording) =>
      Buffer.concat([
        Buffer.from(`${before}${head(field)}de\r\n${head(file)}`),
        recording,
        Buffer.from(`\r\n--${boundary}--${after}`),
      ]),
  };
}

const HEX_32 = '4f1a7c0f1d5a4e0f9a3b5c7d9e1f2a3b';
const LANGUAGE = 'Content-Disposition: form-data; name="language"';
const NAMED = 'Content-Disposition: form-data; name="file"; filename="turn.wav"';
const OCTETS = 'Content-Type: application/octet-stream';

export const PYTHON_STYLES: readonly MultipartStyle[] = [
  // urllib3/fields.py render_headers: requests gives no type to a file of which it knows only the name.
  style('requests, files={"file": open("turn.wav")}', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [NAMED],
    fileName: 'turn.wav',
  }),
  style('requests, a tuple with a type', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [NAMED, 'Content-Type: audio/wav'],
    fileName: 'turn.wav',
  }),
  style('requests, files={"file": bytes}', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: ['Content-Disposition: form-data; name="file"; filename="file"'],
    fileName: 'file',
  }),
  // urllib3 1 format_header_param_rfc2231.
  style('requests with urllib3 1, a name beyond ASCII', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [`Content-Disposition: form-data; name="file"; filename*=utf-8''gr%C3%BC%C3%9Fe.wav`],
    fileName: 'grüße.wav',
  }),
  // urllib3 2 format_multipart_header_param, after the HTML standard.
  style('requests with urllib3 2, a name beyond ASCII', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: ['Content-Disposition: form-data; name="file"; filename="grüße.wav"'],
    fileName: 'grüße.wav',
  }),
  // httpx/_multipart.py FileField.
  style('httpx, files={"file": ("turn.wav", stream)}', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [NAMED, 'Content-Type: audio/x-wav'],
    fileName: 'turn.wav',
  }),
  style('httpx, bytes without a name', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: ['Content-Disposition: form-data; name="file"; filename="upload"', OCTETS],
    fileName: 'upload',
  }),
  // aiohttp/multipart.py: the type comes first, and texts have one as well.
  style('aiohttp, FormData.add_field with a file name', {
    boundary: HEX_32,
    field: ['Content-Type: text/plain; charset=utf-8', LANGUAGE],
    file: ['Content-Type: audio/wav', NAMED],
    fileName: 'turn.wav',
  }),
  style('aiohttp 3.8, with the length of each part', {
    boundary: HEX_32,
    field: ['Content-Type: text/plain; charset=utf-8', LANGUAGE, 'Content-Length: 2'],
    file: [OCTETS, NAMED, 'Content-Transfer-Encoding: binary'],
    fileName: 'turn.wav',
  }),
  style('aiohttp, a name beyond ASCII', {
    boundary: HEX_32,
    field: ['Content-Type: text/plain; charset=utf-8', LANGUAGE],
    file: [
      OCTETS,
      `Content-Disposition: form-data; name="file"; filename*=utf-8''anruf%20%28neu%29.wav`,
    ],
    fileName: 'anruf (neu).wav',
  }),
  // email.generator, as scripts use it that have no library: needs its quotes.
  style("Python's email package", {
    boundary: '===============7330845974216740156==',
    quoted: true,
    field: ['Content-Type: text/plain', 'MIME-Version: 1.0', LANGUAGE],
    file: ['Content-Type: audio/wav', 'MIME-Version: 1.0', NAMED],
    fileName: 'turn.wav',
  }),
  style('a quoted boundary with a blank in it', {
    boundary: 'gc0p4Jq0M2 Yt08j34c0p',
    quoted: true,
    field: [LANGUAGE],
    file: [NAMED, OCTETS],
    fileName: 'turn.wav',
  }),
  style('header names in lower case, no quotes', {
    boundary: HEX_32,
    field: ['content-disposition: form-data; name=language'],
    file: [
      'content-disposition: form-data; name=file; filename=turn.wav',
      'content-type: audio/wav',
    ],
    fileName: 'turn.wav',
  }),
  style('no space behind separators', {
    boundary: HEX_32,
    field: ['Content-Disposition:form-data;name="language"'],
    file: [
      'Content-Disposition:form-data;name="file";filename="turn.wav"',
      'Content-Type:audio/wav',
    ],
    fileName: 'turn.wav',
  }),
  style('a type but no file name', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: ['Content-Disposition: form-data; name="file"', 'Content-Type: audio/wav'],
  }),
  style('a line break before the first boundary', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [NAMED],
    before: '\r\n',
    fileName: 'turn.wav',
  }),
  style('no line break behind the last boundary', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [NAMED],
    after: '',
    fileName: 'turn.wav',
  }),
  style('text behind the last boundary', {
    boundary: HEX_32,
    field: [LANGUAGE],
    file: [NAMED],
    after: '\r\nwritten by a script\r\n',
    fileName: 'turn.wav',
  }),
];

/** mime/multipart Writer: CreateFormFile, or CreatePart with a type of its own. */
export const GO_STYLES: readonly MultipartStyle[] = [
  style('mime/multipart CreateFormFile', {
    boundary: '9051914041544843365972754266e0a3fcf1a2a3f9b5d9e0b6f7a8c9d0e1',
    field: [LANGUAGE],
    file: ['Content-Disposition: form-data; name="file"; filename="clip.webm"', OCTETS],
    fileName: 'clip.webm',
  }),
  style('mime/multipart CreatePart with sorted headers', {
    boundary: '9051914041544843365972754266e0a3fcf1a2a3f9b5d9e0b6f7a8c9d0e1',
    field: [LANGUAGE],
    file: [
      'Content-Disposition: form-data; filename="clip.webm"; name="file"',
      'Content-Type: audio/webm',
      'X-Part: 1',
    ],
    fileName: 'clip.webm',
  }),
];
