/** A brain that is this project's own Whisper: a running service, whose address stands in WHISPER_BRAIN_URL. */
import { encodeWav } from '#origin/voxtral/wav.ts';

export async function hear(samples: Float32Array, language: string | null): Promise<string> {
  const form = new FormData();
  form.set('file', new Blob([encodeWav(samples)], { type: 'audio/wav' }), 'piece.wav');
  form.set('align', 'false');
  if (language !== null) form.set('language', language);
  const url = `${process.env['WHISPER_BRAIN_URL']}/transcribe`;
  const response = await fetch(url, { method: 'POST', body: form });
  if (response.status !== 200) throw new Error(`Whisper answered ${response.status}`);
  return ((await response.json()) as { text: string }).text;
}
