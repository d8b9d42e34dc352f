import { comparable } from '#origin/truth/comparable-text.ts';

/**
 * What Whisper says of silence and music in many languages: the ends of videos and the credits of subtitles, which it
 * learnt as the text of whatever sounds they stood over. Written as `comparable` leaves them, from the first letter on.
 * Source: the "bag of hallucinations" of Barański et al., https://arxiv.org/abs/2501.11378, and reports to
 * openai/whisper, whisper.cpp and faster-whisper.
 */
const OPENINGS: readonly string[] = [
  // en
  'thank you',
  'thanks for',
  'thank you for watching',
  'please subscribe',
  'like and subscribe',
  'see you next',
  "i'll see you",
  'subtitles by',
  'captions by',
  'transcribed by',
  'transcription by',
  'subtitled by',
  'the end',
  'copyright',
  'all rights reserved',
  'bye',
  'you',
  'music',
  'applause',
  'silence',
  'laughter',
  'blank audio',
  'inaudible',
  'www',
  'amara.org',
  // de
  'untertitel',
  'vielen dank',
  'danke fürs',
  'danke für',
  'copyright wdr',
  'swr 20',
  'musik',
  'das war',
  'bis zum nächsten',
  // fr
  'sous-titres',
  'sous-titrage',
  'merci',
  "merci d'avoir",
  'abonnez-vous',
  'musique',
  'à bientôt',
  // es, pt, ca, gl
  'subtítulos',
  'subtitulado',
  'gracias por',
  'gracias',
  'suscríbete',
  'música',
  'legendas',
  'obrigado',
  'obrigada',
  'inscreva-se',
  'subtítols',
  // it, ro
  'sottotitoli',
  'grazie',
  'iscrivetevi',
  'musica',
  'subtitrarea',
  'mulțumesc',
  'vă mulțumim',
  // nl, sv, no, da, fi, is
  'ondertiteling',
  'ondertitels',
  'bedankt voor',
  'tv gelderland',
  'undertexter',
  'textning',
  'tack för',
  'undertekster',
  'teksting av',
  'tekstet av',
  'takk for',
  'danske tekster',
  'tekstitys',
  'kiitos',
  // pl, cs, sk, sl, hr, sr, hu, et, lv, lt
  'napisy',
  'dziękuję',
  'dzięki za',
  'titulky',
  'děkuji',
  'děkujeme',
  'ďakujem',
  'podnapisi',
  'hvala',
  'titlovi',
  'feliratok',
  'köszönöm',
  'köszönjük',
  'subtiitrid',
  'paldies',
  'ačiū',
  // ru, uk, be, bg
  'субтитры',
  'редактор субтитров',
  'продолжение следует',
  'спасибо за',
  'подписывайтесь',
  'музыка',
  'субтитри',
  'дякую',
  'благодаря',
  'динамичная музыка',
  // el, tr, ar, fa, he
  'υπότιτλοι',
  'ευχαριστώ',
  'altyazı',
  'izlediğiniz için',
  'teşekkür',
  'abone ol',
  'ترجمة',
  'شكرا',
  'اشتركوا',
  'نانسي قنقر',
  'موسيقى',
  'زیرنویس',
  'כתוביות',
  'תודה',
  // ja, zh, ko
  'ご視聴',
  'ありがとうございました',
  '最後まで',
  'チャンネル登録',
  'おやすみなさい',
  '字幕',
  '请不吝',
  '請不吝',
  '谢谢',
  '謝謝',
  '感谢',
  '感謝',
  '中文字幕',
  '明镜',
  '優優獨播',
  '시청해',
  '구독',
  '감사합니다',
  '다음 영상',
  '자막',
  'mbc 뉴스',
  // hi, th, vi, id
  'धन्यवाद',
  'सब्सक्राइब',
  'ขอบคุณ',
  'cảm ơn',
  'các bạn',
  'hãy subscribe',
  'phụ đề',
  'terima kasih',
  'terjemahan',
];

const KNOWN: readonly string[] = [...new Set(OPENINGS.map(comparable))];

/** A phrase longer than this is somebody talking. */
const LONGEST_LETTERS = 90;

/**
 * The text is one that Whisper is known to invent, or holds no letter at all ("♪♪", "..."). People say such things too:
 * it is never enough by itself to leave a text out.
 */
export function isBoilerplate(text: string): boolean {
  const plain = comparable(text);
  if (plain.length > LONGEST_LETTERS) return false;
  if (plain === '' || isNoted(text)) return true;
  return KNOWN.some((opening) => plain.startsWith(opening) && plain.length <= longestWith(opening));
}

/** "you" and "merci" open real sentences too: the shorter the opening, the less may follow. */
function longestWith(opening: string): number {
  const isLatin = /^\p{Script=Latin}/u.test(opening);
  if (!isLatin || opening.length > 7) return LONGEST_LETTERS;
  return opening.length <= 4 ? opening.length : opening.length + 12;
}

/** The whole text is a note on sounds: "[Music]", "(applause)", "*sighs*", "♪ la la ♪". */
function isNoted(text: string): boolean {
  return /^\s*(?:\[[^\]]*\]|\([^)]*\)|（[^）]*）|【[^】]*】|\*[^*]+\*|♪[^♪]*♪?)[\s.,!…]*$/u.test(
    text,
  );
}
