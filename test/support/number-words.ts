/** Words for the whole numbers 0 to 100 in English and German, as a speaker says them. */

const LARGEST = 100;

/**
 * The number in words, or null where this module does not know them: another language, or above 100.
 * English gives two words from 21 on ("twenty one"), German one ("einundzwanzig").
 */
export function numberWords(value: number, language: string): string | null {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST) return null;
  if (language === 'en') return english(value);
  if (language === 'de') return german(value);
  return null;
}

const ENGLISH_UNITS = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen ' +
  'fifteen sixteen seventeen eighteen nineteen'
).split(' ');
const ENGLISH_TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

const GERMAN_UNITS = (
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn ' +
  'fünfzehn sechzehn siebzehn achtzehn neunzehn'
).split(' ');
const GERMAN_TENS = 'zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig'.split(' ');

function english(value: number): string {
  if (value === LARGEST) return 'one hundred';
  if (value < 20) return ENGLISH_UNITS[value]!;
  const tens = ENGLISH_TENS[Math.floor(value / 10) - 2]!;
  return value % 10 === 0 ? tens : `${tens} ${ENGLISH_UNITS[value % 10]!}`;
}

function german(value: number): string {
  if (value === LARGEST) return 'hundert';
  if (value < 20) return GERMAN_UNITS[value]!;
  const tens = GERMAN_TENS[Math.floor(value / 10) - 2]!;
  if (value % 10 === 0) return tens;
  const unit = value % 10 === 1 ? 'ein' : GERMAN_UNITS[value % 10]!;
  return `${unit}und${tens}`;
}
