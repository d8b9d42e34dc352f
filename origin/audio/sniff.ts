/**
 * First bytes → what the file is. Keeps text, documents, images and playlists away from the decoder (a playlist
 * could make it open other files) and lets an error say what was sent. A media name is a hint only: the
 * decoder looks for itself.
 */

/** How many bytes from the start are enough. */
export const SNIFF_BYTES = 8192;

export interface SniffedBytes {
  /** As in "this looks like …": "an MP3 file", "a PDF document". */
  readonly name: string;
  /** Whether a decoder may be given the file. */
  readonly decodable: boolean;
}

/** What the bytes look like, with its article ("a PDF document"), or null where nothing known fits. */
export function sniffContainer(head: Uint8Array): string | null {
  return sniffBytes(head)?.name ?? null;
}

/** As `sniffContainer`, and whether it can hold audio. `head`: the file's first bytes, `SNIFF_BYTES` are enough. */
export function sniffBytes(head: Uint8Array): SniffedBytes | null {
  const media = findSignature(head, MEDIA_SIGNATURES);
  const image = isoImage(head);
  if (image !== null) return { name: image, decodable: false };
  if (media !== null) return { name: media, decodable: true };
  if (isMpegAudio(head)) return { name: 'an MP3 file', decodable: true };
  if (isAdts(head)) return { name: 'an AAC file', decodable: true };
  if (isTransportStream(head)) return { name: 'an MPEG transport stream', decodable: true };
  const other = findSignature(head, OTHER_SIGNATURES) ?? nameOfText(head);
  return other === null ? null : { name: other, decodable: false };
}

/** Bytes as Latin-1 text at an offset; a second part allows "RIFF????WAVE". */
type Signature = readonly [name: string, ...parts: readonly (readonly [number, string])[]];

const MEDIA_SIGNATURES: readonly Signature[] = [
  ['a WAV file', [0, 'RIFF'], [8, 'WAVE']],
  ['a WAV file', [0, 'RF64'], [8, 'WAVE']],
  ['a WAV file', [0, 'riff\x2e\x91\xcf\x11']],
  ['an AVI file', [0, 'RIFF'], [8, 'AVI ']],
  ['an AIFF file', [0, 'FORM'], [8, 'AIF']],
  ['a FLAC file', [0, 'fLaC']],
  ['an Ogg file', [0, 'OggS']],
  ['an MP3 file', [0, 'ID3']],
  ['a WebM or Matroska file', [0, '\x1a\x45\xdf\xa3']],
  ['an MP4, M4A or MOV file', [4, 'ftyp']],
  ['a MOV file', [4, 'moov']],
  ['a MOV file', [4, 'mdat']],
  ['a MOV file', [4, 'wide']],
  ['an MP4 fragment', [4, 'moof']],
  ['an MP4 fragment', [4, 'styp']],
  ['a CAF file', [0, 'caff\x00']],
  ['an AU file', [0, '.snd']],
  ['an AMR file', [0, '#!AMR']],
  ['a WMA file', [0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11']],
  ['an FLV file', [0, 'FLV\x01']],
  ['a WavPack file', [0, 'wvpk']],
  ['an AC-3 file', [0, '\x0b\x77']],
  ['an MPEG video', [0, '\x00\x00\x01\xba']],
];

const OTHER_SIGNATURES: readonly Signature[] = [
  ['a PDF document', [0, '%PDF-']],
  ['a ZIP archive or an Office document', [0, 'PK\x03\x04']],
  ['an empty ZIP archive', [0, 'PK\x05\x06']],
  ['an Office document', [0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1']],
  ['a gzip archive', [0, '\x1f\x8b']],
  ['a 7-Zip archive', [0, '7z\xbc\xaf\x27\x1c']],
  ['a RAR archive', [0, 'Rar!\x1a\x07']],
  ['an XZ archive', [0, '\xfd7zXZ\x00']],
  ['a bzip2 archive', [0, 'BZh'], [4, '1AY&SY']],
  ['a Zstandard archive', [0, '\x28\xb5\x2f\xfd']],
  ['a tar archive', [257, 'ustar']],
  ['a PNG image', [0, '\x89PNG\r\n\x1a\n']],
  ['a JPEG image', [0, '\xff\xd8\xff']],
  ['a GIF image', [0, 'GIF8']],
  ['a WebP image', [0, 'RIFF'], [8, 'WEBP']],
  ['a TIFF image', [0, 'II*\x00']],
  ['a TIFF image', [0, 'MM\x00*']],
  ['a BMP image', [0, 'BM'], [6, '\x00\x00\x00\x00']],
  ['an icon', [0, '\x00\x00\x01\x00']],
  ['a MIDI file, which has notes but no recorded sound', [0, 'MThd']],
  ['a program', [0, '\x7fELF']],
  ['a program', [0, 'MZ']],
  ['a WebAssembly program', [0, '\x00asm']],
  ['an SQLite database', [0, 'SQLite format 3\x00']],
];

/** Openings of text files (lower case), after white space. */
const TEXT_OPENINGS: readonly (readonly [opening: string, name: string])[] = [
  ['#extm3u', 'an M3U playlist'],
  ['[playlist]', 'a PLS playlist'],
  ['ffconcat version', 'a list of files to join'],
  ['v=0', 'an SDP session description'],
  ['<!doctype html', 'an HTML page'],
  ['<html', 'an HTML page'],
  ['<mpd', 'a DASH manifest'],
  ['<svg', 'an SVG image'],
  ['<?xml', 'an XML file'],
  ['{\\rtf', 'a rich text document'],
  ['{', 'a JSON or text file'],
];

function findSignature(head: Uint8Array, signatures: readonly Signature[]): string | null {
  for (const [name, ...parts] of signatures) {
    if (parts.every(([offset, bytes]) => textAt(head, offset, bytes.length) === bytes)) return name;
  }
  return null;
}

function textAt(head: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...head.subarray(offset, offset + length));
}

/** HEIC and AVIF share MP4's box structure. */
function isoImage(head: Uint8Array): string | null {
  if (textAt(head, 4, 4) !== 'ftyp') return null;
  const brand = textAt(head, 8, 4);
  if (/^(heic|heix|heim|heis|mif1|msf1)$/.test(brand)) return 'a HEIC image';
  return /^avi[fs]$/.test(brand) ? 'an AVIF image' : null;
}

/** Frame header of MPEG audio layer II or III, ISO 11172-3 § 2.4.1.3: sync, nothing reserved. */
function isMpegAudio(head: Uint8Array): boolean {
  const [sync = 0, second = 0, third = 0] = head;
  const hasSync = sync === 0xff && (second & 0xe0) === 0xe0;
  const layer = (second >> 1) & 3;
  const known = (second & 0x18) !== 0x08 && (layer === 1 || layer === 2);
  return hasSync && known && third >> 4 !== 15 && (third & 0x0c) !== 0x0c;
}

/** ADTS header, ISO 13818-7: sync and layer 0. */
function isAdts(head: Uint8Array): boolean {
  const [sync = 0, second = 0, third = 0] = head;
  return sync === 0xff && (second & 0xf6) === 0xf0 && ((third >> 2) & 0x0f) < 13;
}

function isTransportStream(head: Uint8Array): boolean {
  return [0, 188, 376].every((offset) => head[offset] === 0x47);
}

function nameOfText(head: Uint8Array): string | null {
  const text = decodeText(head);
  if (text === null) return null;
  const opening = text.trimStart().slice(0, 2000).toLowerCase();
  if (opening.includes('<mpd')) return 'a DASH manifest';
  const known = TEXT_OPENINGS.find(([prefix]) => opening.startsWith(prefix));
  return known?.[1] ?? 'a text file';
}

/** The text if the bytes are UTF-8, or UTF-16 with its mark, and almost free of control characters. */
function decodeText(head: Uint8Array): string | null {
  if (head.length === 0) return null;
  const mark = textAt(head, 0, 2);
  if (mark === '\xff\xfe') return new TextDecoder('utf-16le').decode(head);
  if (mark === '\xfe\xff') return new TextDecoder('utf-16be').decode(head);
  try {
    // `stream` forgives a character cut by the end of the head.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    const controls = Array.from(text).filter((c) => c < ' ' && !'\t\n\r\f'.includes(c)).length;
    return controls * 100 <= text.length ? text : null;
  } catch {
    return null;
  }
}
