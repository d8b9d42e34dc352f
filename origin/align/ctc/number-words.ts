/** Words for numbers in one language. */
export interface NumberSpeller {
  /** Of a decimal number in ASCII (`26`, `3.5`); null where the language has no word for it. */
  cardinal(decimal: string): string | null;
  /** Of a positive whole number. */
  ordinal(decimal: string): string | null;
  /** Joins the halves of a year ("neunzehn" hundert "neunzig"); empty where years are not said so. */
  readonly hundred: string;
}

/**
 * The words of a language, or null where there are none. Loaded on first use, about 10 ms; the module cache keeps them.
 *
 * @param language Whisper's code
 */
export async function loadNumberSpeller(language: string): Promise<NumberSpeller | null> {
  const locale = LOCALES.get(language);
  if (locale === undefined) return null;
  const words: unknown = await import(`n2words/${locale}`);
  if (!isNumberWords(words)) throw new Error(`n2words/${locale} has not the expected functions.`);
  // Chinese has other signs for numbers on cheques, and the library prefers those.
  const options = language === 'zh' || language === 'yue' ? { formal: false } : undefined;
  return {
    cardinal: (decimal) => wordsOrNull(() => words.toCardinal(decimal, options)),
    ordinal: (decimal) => wordsOrNull(() => words.toOrdinal(decimal, options)),
    hundred: HUNDREDS[language] ?? '',
  };
}

interface NumberWords {
  toCardinal(value: string, options?: object): string;
  toOrdinal(value: string, options?: object): string;
}

function isNumberWords(module: unknown): module is NumberWords {
  const exports = Object(module);
  return typeof exports.toCardinal === 'function' && typeof exports.toOrdinal === 'function';
}

/** The library throws for numbers that a language has no words for. */
function wordsOrNull(spell: () => string): string | null {
  try {
    return spell();
  } catch {
    return null;
  }
}

const HUNDREDS: Readonly<Record<string, string>> = {
  en: 'hundred',
  de: 'hundert',
  nl: 'honderd',
  sv: 'hundra',
  da: 'hundrede',
  no: 'hundre',
};

/** Whisper's code → the library's module. */
const LOCALES: ReadonlyMap<string, string> = new Map(
  (
    'am:am-ET ar:ar-SA az:az-AZ bn:bn-BD cs:cs-CZ da:da-DK de:de-DE el:el-GR en:en-US es:es-ES fa:fa-IR fi:fi-FI ' +
    'fr:fr-FR gu:gu-IN ha:ha-NG he:he-IL hi:hi-IN hr:hr-HR hu:hu-HU id:id-ID it:it-IT ja:ja-JP ka:ka-GE kn:kn-IN ' +
    'ko:ko-KR lt:lt-LT lv:lv-LV mr:mr-IN ms:ms-MY no:nb-NO nl:nl-NL pa:pa-IN pl:pl-PL pt:pt-PT ro:ro-RO ru:ru-RU ' +
    'sr:sr-Cyrl-RS sv:sv-SE sw:sw-KE ta:ta-IN te:te-IN th:th-TH tl:fil-PH tr:tr-TR uk:uk-UA ur:ur-PK vi:vi-VN ' +
    'yo:yo-NG yue:zh-Hant-TW zh:zh-Hans-CN'
  )
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
);
