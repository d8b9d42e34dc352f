/** The `model` of a form → whose model that is. */
import { findMistralModel, type MistralModel } from '#shared/mistral/capabilities.ts';

export type NamedModel =
  | { readonly kind: 'none' }
  | { readonly kind: 'hosted'; readonly model: MistralModel }
  /** A Voxtral of our own, by its size: where there is none, hosted Voxtral answers, with a warning. */
  | { readonly kind: 'local_voxtral'; readonly name: string }
  /** Whisper's, or nobody's: its origins know. */
  | { readonly kind: 'other'; readonly name: string };

/** The sizes by which the service before this one knew its local Voxtrals. */
export const LOCAL_VOXTRALS: readonly string[] = ['3B', '4B', '24B'];

/** Their full names, as answers and `GET /models` have them. */
export const LOCAL_VOXTRAL_IDS: readonly string[] = [
  'voxtral-mini-3b-2507',
  'voxtral-mini-4b-realtime-2602',
  'voxtral-small-24b-2507',
];

/**
 * @param name without the prefix `whisperx-`
 * @param useRealtime means the 4B model where no other one is named
 * @param isLocal knows further names of our own Voxtrals
 */
export function readModelName(
  name: string | undefined,
  useRealtime: boolean,
  isLocal: (name: string) => boolean = () => false,
): NamedModel {
  if (name === undefined) {
    return useRealtime ? { kind: 'local_voxtral', name: 'use_realtime' } : { kind: 'none' };
  }
  const model = findMistralModel(name.toLowerCase());
  if (model !== null) return { kind: 'hosted', model };
  const size = LOCAL_VOXTRALS.find((it) => it === name.toUpperCase());
  if (size !== undefined) return { kind: 'local_voxtral', name: size };
  const full = LOCAL_VOXTRAL_IDS.find((it) => it === name.toLowerCase());
  if (full !== undefined) return { kind: 'local_voxtral', name: full };
  return { kind: isLocal(name) ? 'local_voxtral' : 'other', name };
}
