import { describe, expect, it } from 'vitest';
import { encodeWav } from '#origin/voxtral/wav.ts';

describe('encodeWav', () => {
  it('writes 16-bit mono at 16 kHz behind a header of 44 bytes', () => {
    const wav = Buffer.from(encodeWav(new Float32Array([0, 0.5, -1])));
    expect(wav.toString('latin1', 0, 4)).toBe('RIFF');
    expect(wav.readUInt32LE(4)).toBe(wav.byteLength - 8);
    expect(wav.toString('latin1', 8, 16)).toBe('WAVEfmt ');
    expect([wav.readUInt16LE(20), wav.readUInt16LE(22), wav.readUInt16LE(34)]).toEqual([1, 1, 16]);
    expect([wav.readUInt32LE(24), wav.readUInt32LE(28), wav.readUInt16LE(32)]).toEqual([
      16_000, 32_000, 2,
    ]);
    expect(wav.readUInt32LE(40)).toBe(6);
    expect([44, 46, 48].map((at) => wav.readInt16LE(at))).toEqual([0, 16_384, -32_767]);
  });

  it('cuts off what is too loud and makes silence of what is no number', () => {
    const wav = Buffer.from(encodeWav(new Float32Array([3, -3, Number.NaN, Infinity])));
    expect([44, 46, 48, 50].map((at) => wav.readInt16LE(at))).toEqual([32_767, -32_767, 0, 32_767]);
  });
});
