import type { WhisperTokenizer } from '#origin/whisper/tokenizer.ts';

/** What the decoder shall do, and what it is told beforehand. */
export interface PromptOptions {
  readonly tokenizer: WhisperTokenizer;
  /** Whisper's code; ignored by English-only models. */
  readonly language: string;
  readonly task: 'transcribe' | 'translate';
  /** Text that comes before the recording. Of a long one the end counts. */
  readonly prompt?: string | undefined;
  /** Words to expect. Of a long list the beginning counts. */
  readonly hotwords?: string | undefined;
}

export interface Prompt {
  /** `[<|startofprev|>, hotwords, prompt,] <|startoftranscript|> [language, task,] <|notimestamps|>` */
  readonly promptIds: readonly number[];
  /** Where `<|startoftranscript|>` stands. */
  readonly sotIndex: number;
}

/**
 * The ids the decoder starts from. Context is at most half the decoder's length less one (223 tokens for 448), as in
 * openai/whisper, so that a full chunk's text always has room. Hotwords stand before the prompt, as in
 * faster-whisper, because the prompt is the nearer context; but both share the 223 tokens, where faster-whisper
 * allows each that many and can leave the text no room. Of the shared room the prompt takes at most half when
 * hotwords need the rest.
 *
 * @throws RangeError when the model has no such language
 */
export function buildPrompt(options: PromptOptions): Prompt {
  const { special } = options.tokenizer;
  const context = contextIds(options);
  const previous = context.length > 0 ? [special.startOfPrevious, ...context] : [];
  return {
    promptIds: [...previous, ...sotSequence(options), special.noTimestamps],
    sotIndex: previous.length,
  };
}

function contextIds({ tokenizer, prompt, hotwords }: PromptOptions): number[] {
  const room = Math.floor(tokenizer.maxTokens / 2) - 1;
  const promptTokens = encodeContext(tokenizer, prompt);
  const hotwordTokens = encodeContext(tokenizer, hotwords);
  const promptShare = Math.max(Math.ceil(room / 2), room - hotwordTokens.length);
  const keptPrompt = promptTokens.slice(-promptShare);
  return [...hotwordTokens.slice(0, room - keptPrompt.length), ...keptPrompt];
}

/** Whisper's words start with a space; text of spaces only is no text. */
function encodeContext(tokenizer: WhisperTokenizer, text: string | undefined): number[] {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? [] : tokenizer.encode(` ${trimmed}`);
}

function sotSequence({ tokenizer, language, task }: PromptOptions): number[] {
  const { special } = tokenizer;
  if (!tokenizer.isMultilingual) return [special.startOfTranscript];
  const languageId = tokenizer.languageIds.get(language);
  if (languageId === undefined) {
    throw new RangeError(
      `The model knows no language "${language}"; it knows ${[...tokenizer.languageIds.keys()].join(', ')}.`,
    );
  }
  return [special.startOfTranscript, languageId, special[task]];
}
