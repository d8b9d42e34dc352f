import { describe, expect, it } from 'vitest';
import { readEvent, readJsonAnswer, StreamedText } from '#origin/voxtral/answer.ts';

const chunk = (content: string, finish_reason?: string) =>
  JSON.stringify({
    object: 'transcription.chunk',
    choices: [{ delta: { content }, finish_reason }],
  });

/** The text of a stream; a failure's kind; null where its end has not come. */
function textOf(events: readonly string[]): string | null {
  const text = new StreamedText();
  for (const data of events) {
    const step = readEvent(data);
    if (!step.ok) return step.error.kind;
    text.take(step.value);
  }
  return text.finish();
}

describe('readJsonAnswer', () => {
  it.each([
    ['{"text":" Guten Tag."}', { ok: true, value: ' Guten Tag.' }],
    ['{"error":{"message":"x"}}', { ok: false, error: { kind: 'error_in_answer' } }],
    ['{"object":"error","message":"x"}', { ok: false, error: { kind: 'error_in_answer' } }],
    ['{"text":1}', { ok: false, error: { kind: 'broken_answer', problem: 'wrong_shape' } }],
    ['[]', { ok: false, error: { kind: 'broken_answer', problem: 'not_json' } }],
    ['{"text":"a', { ok: false, error: { kind: 'broken_answer', problem: 'not_json' } }],
  ])('reads %s', (body, result) => {
    expect(readJsonAnswer(body)).toEqual(result);
  });
});

describe('readEvent and StreamedText', () => {
  it('joins the deltas of a stream as of chat', () => {
    expect(textOf([chunk(' My'), chunk(' dear'), chunk('', 'stop')])).toBe('My dear');
  });

  it('joins the parts into which vLLM has cut the audio', () => {
    expect(textOf([chunk('One.', 'stop'), chunk('Two.', 'stop')])).toBe('One. Two.');
  });

  it('takes the whole text of an event that has it', () => {
    const events = [
      { type: 'transcript.text.delta', delta: 'My' },
      { type: 'transcript.text.done', text: 'My dear.' },
    ];
    expect(textOf(events.map((event) => JSON.stringify(event)))).toBe('My dear.');
  });

  it('passes over usage and unknown events', () => {
    expect(textOf([chunk('a', 'stop'), '{"choices":[],"usage":{}}', '{"type":"new"}'])).toBe('a');
  });

  it.each([
    ['no end', [chunk('a')], null],
    ['nothing at all', [], null],
    ['a text that did not fit', [chunk('a', 'length')], 'out_of_context'],
    ['an abort by sleep', [chunk('a'), chunk('', 'abort')], 'error_in_answer'],
    ['an error', [chunk('a'), '{"error":{"message":"x"}}'], 'error_in_answer'],
    ['an error of old', ['{"object":"error"}'], 'error_in_answer'],
    ['an error event', ['{"type":"error"}'], 'error_in_answer'],
    ['what is no JSON', ['{"a'], 'broken_answer'],
    ['deltas that are no text', ['{"type":"transcript.text.delta","delta":1}'], 'broken_answer'],
    ['chunks that are none', ['{"choices":7}'], 'broken_answer'],
  ])('recognises %s', (_, events, result) => {
    expect(textOf(events)).toBe(result);
  });

  it('counts blanks in a row', () => {
    const text = new StreamedText();
    for (const delta of [' a', ' ', '', '  '])
      text.take({ kind: 'delta', text: delta, isEnd: false });
    expect(text.blanks).toBe(3);
    text.take({ kind: 'delta', text: 'b', isEnd: false });
    expect(text.blanks).toBe(0);
  });
});
