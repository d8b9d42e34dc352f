/** The lines before a part's content. Source: RFC 7578 §4.2, RFC 6266 §4.3 and what browsers send. */
import { SttException } from '#shared/errors.ts';

export interface PartHead {
  /** Name of the form's field. */
  readonly name: string;
  /** Without folders; absent in text fields. May be empty. */
  readonly fileName?: string;
  /** In lower case, without parameters; empty when none was said. */
  readonly mimeType: string;
}

/**
 * @param text lines with their line breaks
 * @throws SttException malformed_body when the part has no name
 */
export function parsePartHead(text: string): PartHead {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1));
  }
  const parameters = readParameters(headers.get('content-disposition') ?? '');
  const name = parameters.get('name');
  if (name === undefined) {
    throw new SttException({ kind: 'malformed_body', problem: 'a part has no name' });
  }
  const fileName = decodeExtended(parameters.get('filename*')) ?? parameters.get('filename');
  const [mimeType = ''] = (headers.get('content-type') ?? '').split(';');
  return {
    name,
    mimeType: mimeType.trim().toLowerCase(),
    ...(fileName !== undefined && { fileName: withoutFolders(fileName) }),
  };
}

/** `form-data; name="a"; filename=b` → its parameters. Only `\"` is an escape: old browsers send whole Windows paths. */
function readParameters(value: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of value.matchAll(PARAMETER)) {
    const text = quoted?.replaceAll('\\"', '"') ?? bare ?? '';
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), text);
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
