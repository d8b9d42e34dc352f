import type { NumberSpeller } from '#origin/align/ctc/number-words.ts';

/** A run of digits with the marks that group them; the marks of all languages, since Whisper mixes them. */
export const NUMBER = /\p{Nd}+(?:[.,'’٫٬\u00a0\u202f]\p{Nd}+)*/u;

/**
 * How a number may have been said, likeliest first and without repetition: as a quantity, as a year, in parts, digit
 * by digit. Which one it was, the sound decides. Empty where the language has no words for it.
 *
 * @param number as {@link NUMBER} finds it, in any script's digits
 * @param after what follows in the word; a full stop may make it an ordinal ("3. Mai")
 * @param language Whisper's code; decides whether a comma or a point begins the fraction
 */
export function spokenNumbers(
  number: string,
  { after, language, speller }: { after: string; language: string; speller: NumberSpeller },
): string[] {
  const parts = asciiDigits(number)
    .split(/[^0-9.,٫٬'’]|[٬'’]/u)
    .join('');
  if (parts.length > MAX_DIGITS) return [];
  const said = [
    ...quantities(parseNumber(parts, language), after, speller),
    inTurn(parts.split(/[.,٫]/u), speller),
    inTurn(
      [...parts].filter((sign) => /\d/.test(sign)),
      speller,
    ),
  ];
  return [...new Set(said.filter((words) => words !== null))];
}

/** Longer runs are no numbers that anyone says. */
const MAX_DIGITS = 40;

/** Beyond the word for billions the library's words are of no use. */
const MAX_CARDINAL_DIGITS = 15;

/** Digits of a script lie in a row that begins with its zero. */
function asciiDigits(text: string): string {
  return text.normalize('NFKC').replace(/\p{Nd}/gu, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
    return String(code - zero);
  });
}

interface Quantity {
  readonly whole: string;
  readonly fraction: string | null;
}

/**
 * Three digits after every mark are groups, unless the one mark is the language's own for fractions. Null for dates,
 * versions and such (1.2.3).
 */
function parseNumber(parts: string, language: string): Quantity | null {
  const marks = parts.match(/[.,٫]/gu) ?? [];
  const last = marks.at(-1);
  if (last === undefined) return { whole: parts, fraction: null };
  const isGrouped = /^\d{1,3}([.,٫]\d{3})+$/u.test(parts);
  if (isGrouped && (marks.length > 1 || last !== decimalMark(language))) {
    return { whole: parts.replace(/\D/g, ''), fraction: null };
  }
  const at = parts.lastIndexOf(last);
  if (parts.indexOf(last) < at) return null;
  return { whole: parts.slice(0, at).replace(/\D/g, ''), fraction: parts.slice(at + 1) };
}

function decimalMark(language: string): string {
  const known = Intl.NumberFormat.supportedLocalesOf(
    /^[a-z]{2,3}$/.test(language) ? language : 'en',
  );
  const parts = new Intl.NumberFormat(known[0] ?? 'en', { numberingSystem: 'latn' }).formatToParts(
    1.5,
  );
  return parts.find(({ type }) => type === 'decimal')?.value ?? '.';
}

function quantities(
  quantity: Quantity | null,
  after: string,
  speller: NumberSpeller,
): (string | null)[] {
  if (quantity === null) return [];
  const { whole, fraction } = quantity;
  return fraction === null
    ? wholeNumbers(whole, after, speller)
    : decimals(whole, fraction, speller);
}

function wholeNumbers(whole: string, after: string, speller: NumberSpeller): (string | null)[] {
  if (whole.length > MAX_CARDINAL_DIGITS) return [];
  const quantity = speller.cardinal(whole);
  const year = /^(?:1[1-9]|20)\d\d$/.test(whole) ? years(whole, speller) : [];
  if (/^[.ºª°]/.test(after) && /[1-9]/.test(whole)) {
    return [speller.ordinal(whole), quantity, ...year];
  }
  return [quantity, ...year];
}

/** "nineteen ninety", "nineteen hundred ninety", "neunzehnhundertneunzig". */
function years(whole: string, speller: NumberSpeller): (string | null)[] {
  const [first, second] = [whole.slice(0, 2), whole.slice(2)];
  const rest = second === '00' ? '' : speller.cardinal(second);
  const century = speller.cardinal(first);
  if (century === null || rest === null) return [];
  const plain = rest === '' ? null : `${century} ${rest}`;
  return speller.hundred === '' ? [plain] : [plain, `${century} ${speller.hundred} ${rest}`.trim()];
}

/** "three point fifty" and "three point five zero". */
function decimals(whole: string, fraction: string, speller: NumberSpeller): (string | null)[] {
  if (whole.length + fraction.length > MAX_CARDINAL_DIGITS) return [];
  const together = speller.cardinal(`${whole}.${fraction}`);
  const [half, zero, five] = [
    speller.cardinal('0.5'),
    speller.cardinal('0'),
    speller.cardinal('5'),
  ];
  if (half === null || zero === null || five === null) return [together];
  if (!half.startsWith(zero) || !half.endsWith(five)) return [together];
  const point = half.slice(zero.length, half.length - five.length).trim();
  const digits = inTurn([...fraction], speller);
  const quantity = speller.cardinal(whole);
  if (digits === null || quantity === null) return [together];
  return [together, `${quantity} ${point} ${digits}`];
}

/** Each part as a number of its own. */
function inTurn(parts: readonly string[], speller: NumberSpeller): string | null {
  const words = parts.map((part) =>
    part === '' || part.length > MAX_CARDINAL_DIGITS ? null : speller.cardinal(part),
  );
  return words.includes(null) ? null : words.join(' ');
}
