/** WAV files of an exact size. */

const HEADER_BYTES = 44;

export interface WavForm {
  readonly sampleRate: number;
  readonly channels: number;
}

/** A 16-bit WAV file of at most so many bytes that repeats the samples, or is silent without any. */
export function wavOfSize(
  sizeBytes: number,
  { sampleRate, channels }: WavForm,
  samples: Uint8Array = new Uint8Array(0),
): Buffer<ArrayBuffer> {
  const frameBytes = channels * 2;
  const dataBytes = Math.floor((sizeBytes - HEADER_BYTES) / frameBytes) * frameBytes;
  const wav = Buffer.alloc(HEADER_BYTES + dataBytes);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(channels, 22);
  wav.writeUInt32LE(sampleRate, 24);
  wav.writeUInt32LE(sampleRate * frameBytes, 28);
  wav.writeUInt16LE(frameBytes, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(dataBytes, 40);
  if (samples.length > 0) wav.fill(samples, HEADER_BYTES);
  return wav;
}

/** How long such a file plays. */
export function secondsOf(wav: Uint8Array, { sampleRate, channels }: WavForm): number {
  return (wav.length - HEADER_BYTES) / (sampleRate * channels * 2);
}
