/** Mean power of speech that encoders of voices expect, in dB below full scale. */
const LEVEL_DBFS = -27;
/** 60 dB: silence stays far below speech. */
const MAX_GAIN = 1000;

/**
 * The same samples at −27 dBFS; broken numbers become silence.
 *
 * Resemblyzer raises a recording with its pauses to −30 dBFS, so that the speech in it, which comes here without pauses,
 * is some 3 dB above. With the GE2E encoder, on stretches of AMI and telephone speech, equal error rates fall from 38% to
 * 28% (1 s), from 41% to 23% (1.6 s) and from 31% to 16% (3 s): test/parity/speaker-separation.test.ts.
 */
export function evenLevel(samples: Float32Array): Float32Array {
  let [power, isBroken] = [0, false];
  for (const sample of samples) {
    if (Number.isFinite(sample)) power += sample * sample;
    else isBroken = true;
  }
  const rms = Math.sqrt(power / Math.max(1, samples.length));
  const gain = rms > 0 ? Math.min(MAX_GAIN, 10 ** (LEVEL_DBFS / 20) / rms) : 1;
  if (!isBroken) return samples.map((sample) => sample * gain);
  return samples.map((sample) => (Number.isFinite(sample) ? sample * gain : 0));
}
