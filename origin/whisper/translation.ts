/**
 * Models that were trained to write down speech only: the turbo models were fine-tuned without translations (model card
 * of openai/whisper-large-v3-turbo), distil-whisper was distilled on transcripts. Asked to translate they give the
 * spoken language, or a mixture. Their tokenizers have the task's token all the same, so the name must tell.
 */
const NEVER_TRANSLATE = /(^|[-_/])(turbo|distil)([-_.]|$)/i;

/** Whether the model can translate into English. @param model a name, e.g. `large-v3-turbo` */
export function canTranslate(model: string): boolean {
  return !NEVER_TRANSLATE.test(model) && !model.endsWith('.en');
}
