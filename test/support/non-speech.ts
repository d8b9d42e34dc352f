/** Sounds without a word, by name, made on the spot and repeatable: what a recording holds where nobody speaks. */
import {
  chords,
  hum,
  pinkNoise,
  type Sound,
  scaledSound,
  silence,
  whiteNoise,
} from '#test/support/synthetic-sound.ts';

/** A fresh sound each time, since noises have a state; they are read from second 0 on at 16 kHz. */
export const NON_SPEECH: Readonly<Record<string, () => Sound>> = {
  'digital silence': () => silence,
  'dither of 16 bits': () => scaledSound(whiteNoise(), -80),
  'white noise': whiteNoise,
  'pink noise': pinkNoise,
  'brown noise': () => brownNoise(3),
  'hum of 50 Hz': () => hum,
  clicks: () => struck(4, { perSecond: 3, decay: 900, body: () => 1 }),
  beeps: () => (t) => (t % 1 < 0.2 ? 0.4 * sine(1000, t) : 0),
  'dial tones': () => dialTones,
  'chord music': () => chords,
  'arpeggio music': () => arpeggio,
  'organ melody': () => organ,
  'drum pattern': () => drums(5),
  rain: () => struck(6, { perSecond: 400, decay: 1500, body: seeded(16) }),
  wind: () => wind(7),
  'speech-shaped noise': () => speechShapedNoise(8),
  'phone ring': () => (t) => (t % 6 < 2 ? 0.2 * (sine(440, t) + sine(480, t)) : 0),
  'alarm bell': () => (t) =>
    t % 3 < 1.5 ? 0.3 * Math.exp(-20 * (t % 0.06)) * (sine(2100, t) + sine(2950, t)) : 0,
  sweeps: () => (t) => 0.4 * Math.sin(2 * Math.PI * (100 * (t % 4) + 450 * (t % 4) ** 2)),
  siren: () => (t) => 0.4 * Math.sin(2 * Math.PI * 700 * t - 250 * Math.cos(2 * Math.PI * 0.5 * t)),
  engine: () => engine(9),
  knocks: () => struck(10, { perSecond: 1.5, decay: 40, body: (t) => sine(180, t) }),
  typing: () => struck(11, { perSecond: 7, decay: 300, body: seeded(12) }),
  'bird song': () => birds,
  whistling: () => whistling,
  'hummed tune': () => hummedTune,
  barking: () => barking(14),
  'quiet fan': () => scaledSound(brownNoise(13), -40),
};

function sine(hertz: number, seconds: number): number {
  return Math.sin(2 * Math.PI * hertz * seconds);
}

/** White noise −1..1 of a seed. */
function seeded(seed: number): () => number {
  let state = seed * 7919;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return (2 * state) / 2_147_483_647 - 1;
  };
}

function brownNoise(seed: number): Sound {
  const noise = seeded(seed);
  let level = 0;
  return () => {
    level = 0.995 * level + 0.08 * noise();
    return Math.max(-1, Math.min(1, level));
  };
}

/** Things that hit things at random times, each dying away. */
function struck(
  seed: number,
  { perSecond, decay, body }: { perSecond: number; decay: number; body: (t: number) => number },
): Sound {
  const noise = seeded(seed);
  let [last, strength] = [Number.NEGATIVE_INFINITY, 0];
  return (t) => {
    if ((noise() + 1) / 2 < perSecond / 16_000)
      [last, strength] = [t, 0.3 + 0.6 * Math.abs(noise())];
    return strength * Math.exp(-decay * (t - last)) * body(t - last);
  };
}

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];

/** A number being dialled. */
function dialTones(t: number): number {
  if (t % 0.4 > 0.2) return 0;
  const key = Math.floor(t / 0.4) * 5;
  return 0.25 * (sine(ROWS[key % 4]!, t) + sine(COLUMNS[key % 3]!, t));
}

const SCALE = [262, 294, 330, 392, 440, 523, 587, 659];

/** A square wave up and down a scale, with vibrato. */
function arpeggio(t: number): number {
  const hertz = SCALE[(Math.floor(t * 6) * 3) % SCALE.length]!;
  return 0.2 * Math.sign(sine(hertz, t + 0.0004 * sine(5, t))) * Math.exp(-4 * (t % (1 / 6)));
}

/** Held notes of five harmonics over a bass, with tremolo: as steady and as rich as a voice. */
function organ(t: number): number {
  const hertz = SCALE[(Math.floor(t * 1.5) * 5) % SCALE.length]! / 2;
  const note = [1, 2, 3, 4, 5].reduce((sum, n) => sum + sine(n * hertz, t) / n, 0);
  return (0.15 + 0.03 * sine(6, t)) * (note + sine(65, t));
}

/** Kick on the beat, snare between, hats throughout; two beats a second. */
function drums(seed: number): Sound {
  const noise = seeded(seed);
  return (t) => {
    const [beat, hat] = [t % 0.5, t % 0.125];
    const isSnare = Math.floor(t / 0.5) % 2 === 1;
    const hit = isSnare
      ? noise() * Math.exp(-25 * beat)
      : sine(55 + 60 * Math.exp(-30 * beat), beat);
    return 0.5 * hit * Math.exp(-8 * beat) + 0.1 * noise() * Math.exp(-80 * hat);
  };
}

function wind(seed: number): Sound {
  const noise = seeded(seed);
  let [first, second] = [0, 0];
  return (t) => {
    const gust = 0.5 + 0.3 * sine(0.13, t) + 0.2 * sine(0.37, t);
    first += (0.02 + 0.05 * gust) * (noise() - first);
    second += (0.02 + 0.05 * gust) * (first - second);
    return 4 * gust * second;
  };
}

/** Noise with the long-term spectrum of speech, rising and falling as often as syllables do. */
function speechShapedNoise(seed: number): Sound {
  const noise = seeded(seed);
  let [low, lower] = [0, 0];
  return (t) => {
    low += 0.25 * (noise() - low);
    lower += 0.03 * (low - lower);
    const syllables = Math.max(0, 0.5 + 0.35 * sine(4.1, t) + 0.3 * sine(2.3, t + sine(0.3, t)));
    return 0.9 * syllables * (low - lower);
  };
}

function engine(seed: number): Sound {
  const noise = seeded(seed);
  let rumble = 0;
  return (t) => {
    rumble += 0.05 * (noise() - rumble);
    const turns = t * 28 + 0.3 * sine(0.2, t);
    return 0.25 * (2 * (turns % 1) - 1) + 0.15 * sine(56, t) + 0.8 * rumble;
  };
}

/** Three chirps, a pause. */
function birds(t: number): number {
  const [phrase, chirp] = [t % 2.2, t % 0.3];
  if (phrase > 0.9 || chirp > 0.18) return 0;
  const rise = 2800 * chirp + 4500 * chirp * chirp;
  return 0.4 * Math.sin((chirp / 0.18) * Math.PI) * Math.sin(2 * Math.PI * rise);
}

/** A tune of one sine, gliding from note to note. */
function whistling(t: number): number {
  const note = Math.floor(t * 2);
  const hertz = 2 * SCALE[(note * 3) % SCALE.length]!;
  return 0.3 * Math.min(1, 8 * (t % 0.5)) * Math.sin(2 * Math.PI * hertz * t + 3 * sine(5, t));
}

/** A closed mouth: the harmonics of a voice without any formant above the first, as steady as a note. */
function hummedTune(t: number): number {
  const hertz = SCALE[(Math.floor(t) * 3) % SCALE.length]! / 2;
  const voice = [1, 2, 3, 4].reduce(
    (sum, n) => sum + Math.sin(2 * Math.PI * n * hertz * t) / n ** 2,
    0,
  );
  return 0.25 * Math.min(1, 10 * (t % 1), 10 * (1 - (t % 1))) * voice;
}

/** Two barks, a pause. */
function barking(seed: number): Sound {
  const noise = seeded(seed);
  return (t) => {
    const [phrase, bark] = [t % 2.5, t % 0.45];
    if (phrase > 0.9 || bark > 0.2) return 0;
    const pitch = 350 + 900 * bark * (0.2 - bark) * 25;
    const throat = [1, 2, 3, 4, 5].reduce(
      (sum, n) => sum + Math.sin(2 * Math.PI * n * pitch * bark) / n,
      0,
    );
    return 0.4 * Math.sin((bark / 0.2) * Math.PI) * (throat + 0.5 * noise());
  };
}
