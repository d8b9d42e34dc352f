/** Sounds that hold no word, made on the spot and repeatable. */

const RATE = 16_000;

/** Amplitude −1..1 at a time in seconds. */
export type Sound = (seconds: number) => number;

/** A 16 kHz mono WAV file, 16 bit. */
export function wavFile(name: string, seconds: number, sound: Sound): File {
  const samples = new Int16Array(Math.round(seconds * RATE));
  for (let i = 0; i < samples.length; i += 1) samples[i] = Math.round(sound(i / RATE) * 32_767);
  return new File([wavHeader(samples.byteLength), samples], name, { type: 'audio/wav' });
}

/** Samples as a sound; silence before and after them. */
export function soundOf(samples: Float32Array): Sound {
  return (seconds) => Math.max(-1, Math.min(1, samples[Math.round(seconds * RATE)] ?? 0));
}

/** The sound at another level in dB. */
export function scaledSound(sound: Sound, db: number): Sound {
  const gain = 10 ** (db / 20);
  return (seconds) => gain * sound(seconds);
}

export const silence: Sound = () => 0;

/** Equal power at every frequency. */
export function whiteNoise(): Sound {
  const random = seededRandom(1);
  return () => 0.3 * (2 * random() - 1);
}

/** Power falls with frequency: Kellet's filter of white noise, three poles. */
export function pinkNoise(): Sound {
  const random = seededRandom(2);
  let [slow, middle, fast] = [0, 0, 0];
  return () => {
    const white = 2 * random() - 1;
    slow = 0.99765 * slow + 0.099046 * white;
    middle = 0.963 * middle + 0.2965164 * white;
    fast = 0.57 * fast + 1.0526913 * white;
    return 0.06 * (slow + middle + fast + 0.1848 * white);
  };
}

/** A mains transformer: 50 Hz and its harmonics. */
export const hum: Sound = (seconds) =>
  0.2 * tone(50, seconds) + 0.1 * tone(100, seconds) + 0.05 * tone(150, seconds);

/** Three chords in turn, struck twice a second and dying away. */
export const chords: Sound = (seconds) => {
  const notes = CHORDS[Math.floor(seconds / 2) % CHORDS.length] ?? [];
  const decay = Math.exp(-3 * (seconds % 0.5));
  return 0.2 * decay * notes.reduce((sum, hertz) => sum + tone(hertz, seconds), 0);
};

const CHORDS = [
  [262, 330, 392],
  [349, 440, 523],
  [392, 494, 587],
];

function tone(hertz: number, seconds: number): number {
  return Math.sin(2 * Math.PI * hertz * seconds);
}

/** Park and Miller's generator: 0..1, the same sequence for a seed. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function wavHeader(dataBytes: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(44));
  const word = (at: number, text: string) => {
    for (let i = 0; i < text.length; i += 1) view.setUint8(at + i, text.charCodeAt(i));
  };
  word(0, 'RIFF');
  view.setUint32(4, 36 + dataBytes, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, 'data');
  view.setUint32(40, dataBytes, true);
  return new Uint8Array(view.buffer);
}
