/** Speaker encoders and segmentation models. */
import type { SegmentationEntry, SpeakerEncoderEntry } from '#models/registry/entry.ts';

export const SPEAKER_MODELS: readonly (SpeakerEncoderEntry | SegmentationEntry)[] = [];
