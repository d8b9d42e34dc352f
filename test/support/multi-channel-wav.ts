const RATE = 16_000;

/** A 16-bit WAV of 16 kHz; shorter channels are followed by silence. */
export function multiChannelWav(channels: readonly Float32Array[]): Buffer<ArrayBuffer> {
  const count = channels.length;
  const frames = Math.max(...channels.map(({ length }) => length));
  const bytes = Buffer.alloc(44 + frames * count * 2);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(count, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * count * 2, 28);
  bytes.writeUInt16LE(count * 2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(frames * count * 2, 40);
  channels.forEach((samples, channel) => {
    samples.forEach((sample, frame) => {
      const value = Math.round(Math.max(-1, Math.min(1, sample)) * 32_767);
      bytes.writeInt16LE(value, 44 + (frame * count + channel) * 2);
    });
  });
  return bytes;
}
