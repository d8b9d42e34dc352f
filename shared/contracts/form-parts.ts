/** Which parts of a transcription's form hold files. Edge and origin must agree on it, or a limit holds on one side only. */

/** The recording's field, by either name. */
export const FILE_FIELDS: readonly string[] = ['file', 'audio'];

/** What a part's header says. */
export interface FormPart {
  readonly name: string | undefined;
  readonly fileName: string | undefined;
  readonly mimeType: string | undefined;
}

/** Whether a part is a known speaker's sample: a file, or a text that is a data URL. */
export function isSampleField(name: string | undefined): boolean {
  return name === 'known_speaker_references' || name === 'known_speaker_references[]';
}

/** Whether a part is read as a file. Some clients send none of the usual marks, so the type tells too. */
export function isFilePart({ name, fileName, mimeType }: FormPart): boolean {
  return (
    fileName !== undefined ||
    isSampleField(name) ||
    mimeType === 'application/octet-stream' ||
    (FILE_FIELDS.includes(name ?? '') && /^(audio|video)\//.test(mimeType ?? ''))
  );
}
