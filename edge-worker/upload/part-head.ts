/**
 * The lines before a part's content, read as the origin's parser reads them: one body must not be two forms.
 * Source: RFC 7578 §4.2, RFC 6266 §4.3 and what browsers send.
 */

export interface PartHead {
  /** Name of the form's field; empty for a part that is none, which nobody reads. */
  readonly name: string;
  /** Without folders; absent in text fields. May be empty. */
  readonly fileName?: string;
  /** In lower case, without parameters; empty when none was said. */
  readonly mimeType: string;
}

/** @param text lines with their line breaks */
export function parsePartHead(text: string): PartHead {
  const headers = readHeaders(text);
  const disposition = headers.get('content-disposition') ?? '';
  const parameters = readParameters(IS_FIELD.test(disposition) ? disposition : '');
  const extended = parameters.get('filename*');
  const fileName = decodeExtended(extended) ?? parameters.get('filename') ?? extended;
  const [mimeType = ''] = (headers.get('content-type') ?? '').split(';');
  return {
    name: parameters.get('name') ?? '',
    mimeType: mimeType.trim().toLowerCase(),
    ...(fileName !== undefined && { fileName: withoutFolders(fileName) }),
  };
}

/** By name in lower case; of a repeated one the first. A line that is no header ends them. */
function readHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  // Folded lines go on with the header before them.
  const lines = text.replaceAll(/\r\n(?=[ \t])/g, '').split('\r\n');
  for (const line of lines.filter((it) => it !== '')) {
    const colon = line.indexOf(':');
    if (colon < 1 || /[\r\n]/.test(line)) break;
    const name = line.slice(0, colon).toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1));
  }
  return headers;
}

const IS_FIELD = /^\s*form-data\s*(;|$)/i;

/**
 * `form-data; name="a"; filename=b` → its parameters; of a repeated one the last. Only `\"` is an escape: old browsers
 * send whole Windows paths.
 */
function readParameters(value: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of value.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replaceAll('\\"', '"') ?? bare ?? '');
  }
  return parameters;
}

const PARAMETER = /;\s*([\w!#$&+.^`|~*-]+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^\s;"]*))/g;

/** `UTF-8''na%C3%AFve.mp3` → its text; undefined when it is not of that form. */
function decodeExtended(value: string | undefined): string | undefined {
  const encoded = /^utf-8'[\w-]*'(.*)$/i.exec(value ?? '')?.[1];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

function withoutFolders(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
