/** Files that say they are recordings. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import {
  file,
  form,
  type HostileCase,
  SILENCE,
  wav,
} from '#test/support/hostile-cases/hostile-case.ts';

const FORMATS = join(import.meta.dirname, '../../fixtures/formats');
const read = (name: string) => readFileSync(join(FORMATS, name));
const refused = { status: [400], code: 'undecodable_audio' } as const;

/** A box of MP4: its size as written, then its type and content. */
function box(type: string, content: Uint8Array | string, size?: number): Buffer {
  const body = Buffer.from(content as Uint8Array);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(size ?? body.length + 8, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

const FTYP = box('ftyp', 'isom\0\0\x02\0isomiso2');

function nestedBoxes(depth: number): Buffer {
  let inner = box('trak', '');
  for (let level = 0; level < depth; level += 1) inner = box('moov', inner);
  return Buffer.concat([FTYP, inner]);
}

/** 100 MB of zeros in 100 kB, with the head of a ZIP file. */
function zipBomb(): Buffer {
  const packed = deflateRawSync(Buffer.alloc(100 * 1024 * 1024));
  const head = Buffer.alloc(30);
  head.write('PK\x03\x04', 0, 'latin1');
  head.writeUInt16LE(8, 8);
  head.writeUInt32LE(packed.length, 18);
  head.writeUInt32LE(100 * 1024 * 1024, 22);
  return Buffer.concat([head, packed]);
}

/** A FLAC file whose stream info says 0 Hz. */
function flacOfNoRate(): Buffer {
  const bytes = Buffer.from(read('clip.flac'));
  // Magic (4), block head (4), sizes (10), then 20 bits of rate.
  bytes[18] = 0;
  bytes[19] = 0;
  bytes[20] = (bytes[20] ?? 0) & 0x0f;
  return bytes;
}

/** The first page of a stream a thousand times, never its end. */
function oggLoop(): Buffer {
  const bytes = read('opus.ogg');
  const second = bytes.indexOf('OggS', 4, 'latin1');
  return Buffer.concat(Array.from({ length: 1000 }, () => bytes.subarray(0, second)));
}

export const CONTENT_CASES: readonly HostileCase[] = [
  {
    name: 'text as mp3',
    request: () => form(file('This is no music.\n'.repeat(100), 'a.mp3')),
    ...refused,
  },
  {
    name: 'an HTML page',
    request: () => form(file('<!doctype html><script>1</script>', 'a.webm')),
    ...refused,
  },
  {
    name: 'an SVG image',
    request: () => form(file('<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', 'a.mp3')),
    ...refused,
  },
  {
    name: 'a playlist of a file of the machine',
    request: () => form(file('#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n', 'a.m3u8')),
    ...refused,
  },
  {
    name: 'a playlist of an address within',
    request: () =>
      form(file('#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/latest/meta-data\n', 'a.mp4')),
    ...refused,
  },
  {
    name: 'a playlist behind white space and a mark',
    request: () =>
      form(file('\ufeff\n\n#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nfile:///etc/hosts\n', 'a.wav')),
    ...refused,
  },
  {
    name: 'a list of files to join',
    request: () => form(file("ffconcat version 1.0\nfile '/etc/passwd'\n", 'a.wav')),
    ...refused,
  },
  {
    name: 'XML with an entity from outside',
    request: () =>
      form(
        file(
          '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><MPD>&b;</MPD>',
          'a.mp4',
        ),
      ),
    ...refused,
  },
  { name: 'a ZIP bomb', request: () => form(file(zipBomb(), 'a.mp3')), ...refused },
  {
    name: 'an MP4 box of 4 GB',
    request: () => form(file(Buffer.concat([FTYP, box('moov', 'x', 0xffffffff)]), 'a.mp4')),
    ...refused,
  },
  {
    name: 'an MP4 box of size 1 without its long size',
    request: () => form(file(Buffer.concat([FTYP, box('mdat', '', 1)]), 'a.mp4')),
    ...refused,
  },
  {
    name: 'an MP4 box of 2 bytes',
    request: () => form(file(Buffer.concat([FTYP, box('moov', '', 2)]), 'a.mp4')),
    ...refused,
  },
  {
    name: 'MP4 boxes 1,000 deep',
    request: () => form(file(nestedBoxes(1000), 'a.mp4')),
    ...refused,
  },
  {
    name: 'a WAV header that says 4 GB',
    request: () => form(file(wav(1600, { dataSize: 0xfffffff0 }))),
    status: [200],
  },
  { name: 'a WAV file of 0 Hz', request: () => form(file(wav(1600, { rate: 0 }))), ...refused },
  {
    name: 'a WAV file of 4 GHz',
    request: () => form(file(wav(1600, { rate: 0xffffffff }))),
    ...refused,
  },
  {
    name: 'a WAV header alone',
    request: () => form(file(SILENCE.subarray(0, 44))),
    status: [400],
  },
  {
    name: 'a FLAC file of 0 Hz',
    request: () => form(file(flacOfNoRate(), 'a.flac')),
    status: [200],
  },
  {
    name: 'an Ogg stream that begins a thousand times',
    request: () => form(file(oggLoop(), 'a.ogg')),
    ...refused,
  },
  {
    name: 'a WebM file of zeros behind its head',
    request: () =>
      form(
        file(Buffer.concat([read('clip.webm').subarray(0, 200), Buffer.alloc(100_000)]), 'a.webm'),
      ),
    ...refused,
  },
  {
    name: 'an MP3 tag that says 256 MB',
    request: () => form(file(Buffer.from('ID3\x04\0\0\x7f\x7f\x7f\x7f', 'latin1'), 'a.mp3')),
    ...refused,
  },
  { name: 'one byte', request: () => form(file('R')), ...refused },
  { name: 'half a million zeros', request: () => form(file(Buffer.alloc(500_000))), ...refused },
];
