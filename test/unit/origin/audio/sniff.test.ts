import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SNIFF_BYTES, sniffBytes, sniffContainer } from '#origin/audio/sniff.ts';
import { formatFixture } from '#test/support/decoding.ts';

const NO_AUDIO = new Set(['text.mp3', 'empty.wav']);

function latin1(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

describe('sniffContainer', () => {
  const files = readdirSync(formatFixture('.')).filter((name) => !NO_AUDIO.has(name));

  it.each(files)('lets the decoder see %s', (name) => {
    expect(sniffBytes(readFileSync(formatFixture(name)))?.decodable).toBe(true);
  });

  it.each([
    ['clip.wav', 'a WAV file'],
    ['clip.flac', 'a FLAC file'],
    ['clip.aac', 'an AAC file'],
    ['no_extension', 'an Ogg file'],
    ['really_m4a.mp3', 'an MP4, M4A or MOV file'],
    ['recorder.webm', 'a WebM or Matroska file'],
  ])('names %s by its bytes: %s', (file, name) => {
    expect(sniffContainer(readFileSync(formatFixture(file)))).toBe(name);
  });

  it('knows an MP3 without a tag by its frame header', () => {
    expect(sniffBytes(latin1('\xff\xfb\x50\xc4\x00'))).toEqual({
      name: 'an MP3 file',
      decodable: true,
    });
  });

  it.each([
    ['%PDF-1.7\n', 'a PDF document'],
    ['PK\x03\x04\x14\x00', 'a ZIP archive or an Office document'],
    ['\x89PNG\r\n\x1a\n\x00', 'a PNG image'],
    ['\xff\xd8\xff\xe0\x00\x10JFIF', 'a JPEG image'],
    ['RIFF\x10\x00\x00\x00WEBPVP8 ', 'a WebP image'],
    ['\x00\x00\x00\x18ftypheic', 'a HEIC image'],
    ['\x00\x00\x00\x18ftypavif', 'an AVIF image'],
    ['\x1f\x8b\x08\x00', 'a gzip archive'],
    ['\x7fELF\x02', 'a program'],
    ['<!DOCTYPE html><title>x</title>', 'an HTML page'],
    ['\n <html>', 'an HTML page'],
    ['<?xml version="1.0"?><MPD>', 'a DASH manifest'],
    ['<?xml version="1.0"?><note/>', 'an XML file'],
    ['#EXTM3U\n#EXTINF:2,\nhttp://example.com/a.ts\n', 'an M3U playlist'],
    ['[playlist]\nFile1=a.mp3\n', 'a PLS playlist'],
    ['ffconcat version 1.0\nfile a.mp3\n', 'a list of files to join'],
    ['v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n', 'an SDP session description'],
    ['{"detail": "not found"}', 'a JSON or text file'],
    ['Dear all,\nthe minutes.\n', 'a text file'],
    ['\xff\xfeH\x00i\x00', 'a text file'],
  ])('refuses %j as %s', (head, name) => {
    expect(sniffBytes(latin1(head))).toEqual({ name, decodable: false });
  });

  it('takes UTF-8 text as text, also when the head ends inside a character', () => {
    const text = new TextEncoder().encode('Grüße an alle, schöne Übung. '.repeat(500));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: SNIFF_BYTES }), (length) => {
        expect(sniffContainer(text.subarray(0, length))).toBe('a text file');
      }),
    );
  });

  it('knows nothing of zeros and of no bytes at all', () => {
    expect(sniffContainer(new Uint8Array(500))).toBeNull();
    expect(sniffContainer(new Uint8Array(0))).toBeNull();
  });

  it('has an answer for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (head) => {
        const name = sniffContainer(head);
        expect(name === null || /^an? /.test(name)).toBe(true);
      }),
    );
  });
});
