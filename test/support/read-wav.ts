import { readFileSync } from 'node:fs';

const PCM = 1;
const FLOAT = 3;

/**
 * Samples of a mono 16 kHz WAV file, 16-bit or float: enough for the reference recordings, without the decoder under
 * test elsewhere.
 */
export function readWav(path: string): Float32Array {
  const file = readFileSync(path);
  const format = chunkOf(file, 'fmt ');
  const [tag, channels, rate] = [
    format.readUInt16LE(0),
    format.readUInt16LE(2),
    format.readUInt32LE(4),
  ];
  if (channels !== 1 || rate !== 16_000) {
    throw new Error(`${path} has ${channels} channels at ${rate} Hz.`);
  }
  const data = chunkOf(file, 'data');
  const bits = format.readUInt16LE(14);
  if (tag === FLOAT && bits === 32) {
    return Float32Array.from({ length: data.length / 4 }, (_, i) => data.readFloatLE(i * 4));
  }
  if (tag === PCM && bits === 16) {
    return Float32Array.from(
      { length: data.length / 2 },
      (_, i) => data.readInt16LE(i * 2) / 32768,
    );
  }
  throw new Error(`${path} has format ${tag} with ${bits} bits.`);
}

function chunkOf(file: Buffer, name: string): Buffer {
  for (let at = 12; at + 8 <= file.length; ) {
    const length = file.readUInt32LE(at + 4);
    if (file.toString('latin1', at, at + 4) === name) {
      return file.subarray(at + 8, at + 8 + length);
    }
    at += 8 + length + (length % 2);
  }
  throw new Error(`A WAV file without "${name}".`);
}
