/**
 * A brain that knows the recordings of `test/fixtures` by their samples: it finds where in them the audio begins, and
 * says the words that lie in it, as if all were spoken at the same pace.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodedSamples } from '#test/support/decoded-samples.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures');
/** Samples that tell one place from all others. */
const PRINT_SAMPLES = 48;

interface Known {
  readonly length: number;
  readonly words: readonly string[];
  readonly places: ReadonlyMap<string, number>;
}

const known = await Promise.all(['en_harbor.flac', 'de_bahnhof.flac', 'en_long.flac'].map(learn));

export function hear(samples: Float32Array): string {
  for (const { length, words, places } of known) {
    for (let at = 0; at + PRINT_SAMPLES < samples.length; at += 1) {
      const place = places.get(printAt(samples, at));
      if (place !== undefined)
        return wordsWithin(words, { length, from: place - at, count: samples.length });
      // Noise everywhere: a place that is not found within a second is in another recording.
      if (at > 32_000) break;
    }
  }
  return '';
}

async function learn(name: string): Promise<Known> {
  const manifest = JSON.parse(readFileSync(join(FIXTURES, 'manifest.json'), 'utf8')) as Record<
    string,
    { text: string }
  >;
  const samples = await decodedSamples(join(FIXTURES, name));
  const places = new Map<string, number>();
  // Every place is known, so the audio may begin anywhere; silence is none.
  for (let at = 0; at + PRINT_SAMPLES < samples.length; at += 1) {
    if (at % 160 === 0 && Math.abs(samples[at]!) > 0.01) places.set(printAt(samples, at), at);
  }
  return { length: samples.length, words: manifest[name]!.text.split(' '), places };
}

/** As 16 bits hold it. */
function printAt(samples: Float32Array, at: number): string {
  let print = '';
  for (let i = 0; i < PRINT_SAMPLES; i += 4) {
    const clipped = Math.max(-1, Math.min(1, samples[at + i]!));
    print += `${Math.round(clipped * 32_767)},`;
  }
  return print;
}

function wordsWithin(
  words: readonly string[],
  { length, from, count }: { length: number; from: number; count: number },
): string {
  const middle = (i: number) => ((i + 0.5) / words.length) * length;
  return words.filter((_, i) => middle(i) >= from && middle(i) < from + count).join(' ');
}
