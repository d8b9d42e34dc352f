import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flacSeconds } from '#origin/audio/flac-header.ts';
import { isLengthUnknown, wavSeconds } from '#origin/audio/wav-header.ts';
import { formatFixture } from '#test/support/decoding.ts';

const head = (file: string) => readFileSync(formatFixture(file)).subarray(0, 8192);

describe('flacSeconds', () => {
  it('reads the length from STREAMINFO', () => {
    expect(flacSeconds(head('clip.flac'))).toBeCloseTo(2, 3);
  });

  it('is null when the length is 0, which stands for unknown', () => {
    const bytes = Buffer.from(head('clip.flac'));
    bytes.writeUIntBE(0, 22, 4);
    bytes[21] = (bytes[21] ?? 0) & 0xf0;
    expect(flacSeconds(bytes)).toBeNull();
  });
});

describe('wavSeconds', () => {
  it.each([
    ['clip.wav', 2],
    ['alaw_8k.wav', 2],
    ['mulaw_8k.wav', 2],
    ['header_only.wav', null],
    ['streamed.wav', null],
  ])('of %s is %s', (file, seconds) => {
    const found = wavSeconds(head(file));
    if (seconds === null) expect(found).toBeNull();
    else expect(found).toBeCloseTo(seconds, 2);
  });

  it('is null for a compressed coding', () => {
    const bytes = Buffer.from(head('clip.wav'));
    bytes.writeUInt16LE(0x11, 20);
    expect(wavSeconds(bytes)).toBeNull();
  });
});

describe('headers of any bytes', () => {
  it('give a length above 0 or none', () => {
    const magic = fc.constantFrom(
      'fLaC\0\0\0\x22',
      'RIFF\0\0\0\0WAVEfmt ',
      'RIFF\0\0\0\0WAVEdata',
      '',
    );
    fc.assert(
      fc.property(magic, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        const bytes = Buffer.concat([Buffer.from(start, 'latin1'), rest]);
        for (const seconds of [flacSeconds(bytes), wavSeconds(bytes)]) {
          expect(seconds === null || (seconds > 0 && Number.isFinite(seconds))).toBe(true);
        }
        expect(typeof isLengthUnknown(bytes)).toBe('boolean');
      }),
    );
  });
});
