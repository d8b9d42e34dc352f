import { describe, expect, it } from 'vitest';
import { toSpeakerMembers, toUtterances } from '#shared/contracts/utterances.ts';
import { DIALOGUE, sentence, transcriptOf } from '#test/support/dialogue.ts';

describe('toSpeakerMembers', () => {
  it('writes utterances with the number of their speaker and milliseconds', () => {
    const { speakers, utterances, speaker_map } = toSpeakerMembers(DIALOGUE);
    expect(speakers).toEqual(['Ada', 'SPEAKER_01']);
    expect(speaker_map).toEqual({ '0': 'Ada', '1': 'SPEAKER_01' });
    expect(utterances).toEqual([
      { speaker: 0, text: 'Is the harbor open? I think so.', offset: 500, duration: 2500 },
      { speaker: 1, text: 'It is.', offset: 3200, duration: 800 },
      { speaker: 1, text: 'Good.', offset: 9000, duration: 500 },
    ]);
  });

  it('tells of each voice and of every turn', () => {
    const { speaker_details, turns } = toSpeakerMembers(DIALOGUE);
    expect(speaker_details).toEqual([
      { speaker: 'Ada', speech_seconds: 2.4, similarity: 0.912, embedding: [0.123457, 0.5] },
      { speaker: 'SPEAKER_01', speech_seconds: 1.3 },
    ]);
    expect(turns?.[0]).toEqual({ speaker: 'Ada', start: 0.5, end: 3 });
  });

  it('says null and nothing more when speakers were not looked for', () => {
    const plain = transcriptOf([sentence('Hello.', [0, 1])]);
    expect(toSpeakerMembers(plain)).toEqual({ speakers: null });
  });

  it('gives empty lists when there was nobody to find', () => {
    const silent = { ...transcriptOf([]), diarization: { speakers: [], turns: [] } };
    const empty = { speakers: [], utterances: [], speaker_map: {}, speaker_details: [], turns: [] };
    expect(toSpeakerMembers(silent)).toEqual(empty);
  });

  it('counts what nobody is known to have said to the speaker before', () => {
    const said = [
      sentence('First.', [0, 1]),
      sentence('Second.', [1, 2], 'SPEAKER_01'),
      sentence('Third.', [2, 3], 'SPEAKER_00'),
      sentence('Fourth.', [3, 4]),
    ];
    const { utterances } = toSpeakerMembers(transcriptOf(said));
    expect(utterances?.map(({ speaker, text }) => [speaker, text])).toEqual([
      [0, 'First.'],
      [0, 'Second.'],
      [1, 'Third.'],
      [1, 'Fourth.'],
    ]);
  });
});

describe('toUtterances', () => {
  it('puts no space between sentences in scripts that write none', () => {
    const said = [sentence('今日は。', [0, 1]), sentence('雨です。', [1, 2])];
    expect(toUtterances(said).map(({ text }) => text)).toEqual(['今日は。雨です。']);
  });

  it('begins anew after a pause of two seconds', () => {
    const said = [sentence('One.', [0, 1]), sentence('Two.', [3, 4])];
    expect(toUtterances(said)).toHaveLength(2);
  });
});
