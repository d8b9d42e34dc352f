/** The languages of multilingual Whisper models, as codes. `yue` exists from large-v3 on. */
export const WHISPER_LANGUAGES: readonly string[] = (
  'af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi ' +
  'hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn ' +
  'no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi ' +
  'yi yo yue zh'
).split(' ');

/**
 * Finds Whisper's code for what a caller wrote: a code (`de`), a locale (`de-DE`, `zh_Hant_TW`), or a name in
 * English or in the language itself (`German`, `Deutsch`). Null when there is none.
 */
export function findLanguage(written: string): string | null {
  const wanted = written.trim().toLowerCase();
  const subtag = wanted.split(/[-_]/, 1)[0] ?? '';
  const code = OTHER_CODES[subtag] ?? subtag;
  if (KNOWN.has(code) && LOCALE.test(wanted)) {
    return code;
  }
  names ??= collectNames();
  return names.get(wanted) ?? null;
}

const KNOWN: ReadonlySet<string> = new Set(WHISPER_LANGUAGES);

const LOCALE = /^[a-z]{2,3}([-_][a-z0-9]{2,8}){0,3}$/;

/** Codes that mean the same as one of Whisper's: withdrawn, more exact, or ISO 639-3 where those are usual. */
const OTHER_CODES: Readonly<Record<string, string>> = {
  nb: 'no',
  iw: 'he',
  in: 'id',
  ji: 'yi',
  jv: 'jw',
  fil: 'tl',
  cmn: 'zh',
  mo: 'ro',
  deu: 'de',
  eng: 'en',
  fra: 'fr',
  spa: 'es',
};

/** Names in use besides those of the Unicode locale data. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  bengali: 'bn',
  burmese: 'my',
  castilian: 'es',
  flemish: 'nl',
  haitian: 'ht',
  mandarin: 'zh',
  maori: 'mi',
  nynorsk: 'nn',
  punjabi: 'pa',
  tagalog: 'tl',
  valencian: 'ca',
};

let names: ReadonlyMap<string, string> | null = null;

/** Takes a few milliseconds, so it waits until a caller writes a name. */
function collectNames(): ReadonlyMap<string, string> {
  const found = new Map(Object.entries(OTHER_NAMES));
  const english = new Intl.DisplayNames('en', { type: 'language' });
  for (const code of WHISPER_LANGUAGES) {
    const own = new Intl.DisplayNames(code, { type: 'language' });
    for (const name of [english.of(code), own.of(code)]) {
      if (name !== undefined) {
        found.set(name.toLowerCase(), code);
      }
    }
  }
  return found;
}
