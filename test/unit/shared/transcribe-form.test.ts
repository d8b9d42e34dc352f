import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findLanguage, WHISPER_LANGUAGES } from '#shared/contracts/languages.ts';
import { parseTranscribeForm, TranscribeForm } from '#shared/contracts/transcribe-form.ts';

function parse(...fields: [name: string, value: string][]) {
  return parseTranscribeForm(fields.map(([name, value]) => ({ name, value })));
}

function options(...fields: [name: string, value: string][]) {
  const parsed = parse(...fields);
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.error));
  }
  return parsed.value.options;
}

function format(...fields: [name: string, value: string][]) {
  const parsed = parse(...fields);
  if (!parsed.ok) {
    throw new Error(JSON.stringify(parsed.error));
  }
  return parsed.value.format;
}

function faults(...fields: [name: string, value: string][]) {
  const parsed = parse(...fields);
  return parsed.ok ? [] : parsed.error;
}

const DEFAULTS = {
  align: true,
  diarize: false,
  task: 'transcribe',
  knownSpeakers: [],
  speakerEmbeddings: false,
  charAlignments: false,
  channels: 'mix',
};

const EMBEDDING = Array.from({ length: 16 }, (_, i) => i / 16);

describe('parseTranscribeForm', () => {
  it('gives the defaults for a form without text fields', () => {
    expect(options()).toEqual(DEFAULTS);
  });

  it('counts empty fields and fields of spaces as absent', () => {
    expect(options(['language', ''], ['model', '  '], ['align', ''], ['languages', ''])).toEqual(
      DEFAULTS,
    );
  });

  it('ignores fields it does not know', () => {
    expect(options(['use_realtime', 'maybe'], ['__proto__', 'x'])).toEqual(DEFAULTS);
  });

  it.each([
    ['true', true],
    ['YES', true],
    ['On', true],
    ['1', true],
    ['False', false],
    ['no', false],
    ['OFF', false],
    ['0', false],
  ])('reads the boolean %s', (text, value) => {
    expect(options(['align', text]).align).toBe(value);
    expect(options(['diarization', text]).diarize).toBe(value);
  });

  it('prefers a main name to its alias in either order', () => {
    expect(options(['align', 'no'], ['alignment', 'yes']).align).toBe(false);
    expect(options(['alignment', 'yes'], ['align', 'no']).align).toBe(false);
  });

  it('takes the last value of a repeated field', () => {
    expect(options(['beam_size', '2'], ['beam_size', '3']).beamSize).toBe(3);
  });

  it('reads a list of languages from commas and repetition, without doubles', () => {
    const fields: [string, string][] = [
      ['languages', 'de, en-GB'],
      ['languages', 'German'],
      ['languages[]', 'fr'],
    ];
    expect(options(...fields).languages).toEqual(['de', 'en', 'fr']);
  });

  it.each([
    ['speaker_embeddings', 'true'],
    ['known_speakers', JSON.stringify([{ name: 'Ada', embedding: EMBEDDING }])],
  ])('finds speakers for %s too', (name, value) => {
    expect(options([name, value]).diarize).toBe(true);
  });

  it('reads every other field', () => {
    const fields: [string, string][] = [
      ['language', 'pt_BR'],
      ['model', 'whisperx-large-v3'],
      ['min_speakers', '1'],
      ['max_speakers', '2'],
      ['prompt', ' Grüße '],
      ['hotwords', 'mana, llm'],
      ['beam_size', '10'],
      ['temperature', '0.4'],
      ['task', 'Translate'],
      ['num_speakers', '2'],
      ['known_speakers', JSON.stringify([{ name: ' Ada ', embedding: EMBEDDING }])],
      ['speaker_embeddings', 'yes'],
      ['return_char_alignments', 'on'],
      ['channels', 'Split'],
    ];
    expect(options(...fields)).toEqual({
      ...DEFAULTS,
      diarize: true,
      language: 'pt',
      model: 'large-v3',
      minSpeakers: 1,
      maxSpeakers: 2,
      prompt: 'Grüße',
      hotwords: 'mana, llm',
      beamSize: 10,
      temperature: 0.4,
      task: 'translate',
      numSpeakers: 2,
      knownSpeakers: [{ name: 'Ada', embedding: EMBEDDING }],
      speakerEmbeddings: true,
      charAlignments: true,
      channels: 'split',
    });
  });

  it('takes the language auto as absent', () => {
    expect(options(['language', 'auto']).language).toBeUndefined();
  });

  it('lists the known languages for an unknown one', () => {
    const [fault] = faults(['language', 'Klingon']);
    expect(fault).toMatchObject({ field: 'language', type: 'value_error' });
    expect(fault?.message).toContain('"Klingon"');
    expect(fault?.message).toContain('de, el, en');
  });

  it('reports all faults at once', () => {
    const found = faults(
      ['align', 'maybe'],
      ['beam_size', '11'],
      ['temperature', 'hot'],
      ['task', 'sing'],
    );
    expect(found.map(({ field }) => field)).toEqual(['align', 'beam_size', 'temperature', 'task']);
  });

  it('names a fault by the name that was sent', () => {
    expect(faults(['diarization', 'maybe'])[0]?.field).toBe('diarization');
  });

  it.each(['0', '11', '2.5', '', 'NaN', '1e1', '0x5', '5 5'].filter((text) => text !== ''))(
    'rejects the beam size %s',
    (text) => {
      expect(faults(['beam_size', text])).toHaveLength(1);
    },
  );

  it('rejects fewer most than least speakers', () => {
    expect(faults(['min_speakers', '3'], ['max_speakers', '2'])[0]?.message).toContain('3 is more');
  });

  it.each([
    ['min_speakers', '3', '2 is less than min_speakers (3)'],
    ['max_speakers', '1', '2 is more than max_speakers (1)'],
  ])('rejects a number of speakers outside of %s', (name, value, message) => {
    expect(faults(['num_speakers', '2'], [name, value])[0]?.message).toContain(message);
  });

  it.each(['0', '51', '1.5', 'two'])('rejects %s speakers', (count) => {
    for (const name of ['min_speakers', 'max_speakers', 'num_speakers']) {
      expect(faults([name, count])).toMatchObject([{ field: name, type: 'int_parsing' }]);
    }
  });

  it('rejects channels other than mix and split', () => {
    expect(faults(['channels', 'left'])[0]?.message).toContain('mix or split');
  });

  it.each([
    ['no JSON', '{"name"'],
    ['no list', '{"name": "Ada"}'],
    ['an empty list', '[]'],
    ['no embedding', '[{"name": "Ada"}]'],
    ['a short embedding', '[{"name": "Ada", "embedding": [1]}]'],
    ['a name with markup', JSON.stringify([{ name: '<b>', embedding: EMBEDDING }])],
    ['a name of two lines', JSON.stringify([{ name: 'A\nB', embedding: EMBEDDING }])],
    ['two of one name', JSON.stringify([1, 2].map(() => ({ name: 'Ada', embedding: EMBEDDING })))],
  ])('rejects known speakers with %s', (_what, text) => {
    expect(faults(['known_speakers', text])).toMatchObject([{ field: 'known_speakers' }]);
  });

  it('rejects a model name that could be a path', () => {
    expect(faults(['model', '../../etc/passwd'])).toHaveLength(1);
  });

  it('rejects a prompt of 4001 characters', () => {
    expect(faults(['prompt', 'x'.repeat(4001)])[0]?.message).toContain('4001');
    expect(faults(['prompt', 'x'.repeat(4000)])).toEqual([]);
  });

  it('never throws and never echoes more than a little of what was sent', () => {
    const names = Object.keys(TranscribeForm.shape);
    const field = fc.tuple(fc.constantFrom(...names), fc.string({ maxLength: 3000 }));
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        for (const { message } of faults(...fields)) {
          expect(message.length).toBeLessThan(700);
        }
      }),
    );
  });
});

describe('the samples of known speakers', () => {
  const names = (...values: string[]) =>
    values.map((value) => ({ name: 'known_speaker_names[]', value }));

  it('belong to the names by their order', () => {
    const parsed = parseTranscribeForm(names('Ada', 'Grace Hopper'), ['/spool/1', '/spool/2']);
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        options: {
          knownSpeakers: [
            { name: 'Ada', samplePath: '/spool/1' },
            { name: 'Grace Hopper', samplePath: '/spool/2' },
          ],
        },
      },
    });
  });

  it.each([
    [names('Ada', 'Grace'), ['/1'], '2 names and 1 samples'],
    [names('Ada'), [], '1 names and 0 samples'],
    [[], ['/1'], '0 names and 1 samples'],
    [names('Ada', 'Ada'), ['/1', '/2'], 'one name'],
    [names('<i>'), ['/1'], '"<i>"'],
  ])('are refused where they do not fit the names (%#)', (fields, paths, message) => {
    const parsed = parseTranscribeForm(fields, paths);
    expect(parsed.ok ? '' : parsed.error[0]?.message).toContain(message);
  });
});

describe('the format of the answer', () => {
  it('is JSON, with the usual measures of subtitles, unless something else is asked for', () => {
    expect(format()).toEqual({
      responseFormat: 'json',
      timestampGranularities: ['segment'],
      subtitles: { maxLineWidth: 42, maxLineCount: 2, highlightWords: false },
    });
  });

  it('is read from its fields', () => {
    const fields: [string, string][] = [
      ['response_format', 'VTT'],
      ['max_line_width', '30'],
      ['max_line_count', '3'],
      ['max_words_per_line', '4'],
      ['highlight_words', 'true'],
    ];
    expect(format(...fields)).toMatchObject({
      responseFormat: 'vtt',
      subtitles: { maxLineWidth: 30, maxLineCount: 3, maxWordsPerLine: 4, highlightWords: true },
    });
  });

  it('has one line of so many words, as whisper has it, when no number of lines is given', () => {
    expect(format(['max_words_per_line', '4']).subtitles.maxLineCount).toBe(1);
  });

  it('lists both granularities from repetition or commas', () => {
    const repeated: [string, string][] = [
      ['timestamp_granularities[]', 'word'],
      ['timestamp_granularities[]', 'segment'],
    ];
    expect(format(...repeated).timestampGranularities).toEqual(['word', 'segment']);
    const commas = format(['timestamp_granularities', 'segment,word']);
    expect(commas.timestampGranularities).toEqual(['segment', 'word']);
  });

  it('names the known formats for an unknown one', () => {
    expect(faults(['response_format', 'docx'])).toEqual([
      {
        field: 'response_format',
        message: '"docx" is not possible; write json, verbose_json, text, srt, vtt, tsv or aud.',
        type: 'value_error',
      },
    ]);
  });

  it.each([
    ['max_line_width', '9'],
    ['max_line_width', '201'],
    ['max_line_count', '0'],
    ['max_line_count', '11'],
    ['max_words_per_line', '0'],
    ['max_words_per_line', '51'],
    ['highlight_words', 'maybe'],
    ['timestamp_granularities[]', 'letter'],
  ])('rejects %s=%s', (name, value) => {
    expect(faults([name, value])).toMatchObject([{ field: name }]);
  });
});

describe('findLanguage', () => {
  it('finds every code, in capitals and with a region too', () => {
    for (const code of WHISPER_LANGUAGES) {
      expect(findLanguage(code)).toBe(code);
      expect(findLanguage(`${code.toUpperCase()}-XX`)).toBe(code);
    }
    expect(WHISPER_LANGUAGES).toHaveLength(100);
  });

  it.each([
    ['German', 'de'],
    ['deutsch', 'de'],
    ['Français', 'fr'],
    ['zh-Hant-TW', 'zh'],
    ['nb-NO', 'no'],
    ['Tagalog', 'tl'],
    ['Haitian Creole', 'ht'],
  ])('finds %s', (written, code) => {
    expect(findLanguage(written)).toBe(code);
  });

  it.each(['xx', 'de-', 'de;rm', 'constructor', '', 'germanish'])(
    'does not find "%s"',
    (written) => {
      expect(findLanguage(written)).toBeNull();
    },
  );
});
