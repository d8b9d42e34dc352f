/**
 * Speaker encoders and segmentation models, beside the embedded ones. pyannote's own repositories ask for an account and
 * hold pickles; those named here hold the same weights as safetensors, converted for MLX, and ask for nothing.
 *
 * Sizes, hashes and commits: as two public programs pin them, one of them with the hashes of all files. What the files
 * hold follows from `convert_wespeaker.py` and `convert_pyannote.py` of
 * https://github.com/ivan-digital/qwen3-asr-swift/tree/main/scripts: their config.json has the hash that is pinned, and
 * made-up weights in that layout have the very size.
 */
import type { SegmentationEntry, SpeakerEncoderEntry } from '#models/registry/entry.ts';

export const SPEAKER_MODELS: readonly (SpeakerEncoderEntry | SegmentationEntry)[] = [
  {
    kind: 'speaker-encoder',
    name: 'wespeaker-resnet34-lm',
    repository: 'aufklarer/WeSpeaker-ResNet34-LM-MLX',
    revision: '26499ce11ad1b48ac96aacc8d6fa433f941bdc96',
    isPinned: true,
    // The repository says MIT; WeSpeaker gives what it trained on VoxCeleb under that data's licence:
    // https://github.com/wenet-e2e/wespeaker/blob/master/docs/pretrained.md#model-license
    licence: 'CC-BY-4.0',
    languages: 'any',
    parameters: 6_630_080,
    weights: {
      dtype: 'F32',
      bytes: 26_526_952,
      sha256: 'f56204883f2de969f584af7893e5373575556b422190c14c206a5fd94f3d7fe6',
    },
    aliases: [
      'pyannote/wespeaker-voxceleb-resnet34-LM',
      'Wespeaker/wespeaker-voxceleb-resnet34-LM',
    ],
    note: 'By WeSpeaker (Wang et al., ICASSP 2023), trained on VoxCeleb; name them where you show its work.',
  },
  {
    kind: 'segmentation',
    name: 'segmentation-3.0',
    repository: 'aufklarer/Pyannote-Segmentation-MLX',
    revision: 'abef0110277063f0ea117a802832a3eba22af84c',
    isPinned: true,
    licence: 'MIT',
    languages: 'any',
    parameters: 1_489_169,
    weights: {
      dtype: 'F32',
      bytes: 5_960_404,
      sha256: 'd1630fa2c22f47e4c89034f8d5e3aff99884f55347d48ce70dd306328b4421f5',
    },
    aliases: ['pyannote/segmentation-3.0'],
    note: 'Windows of 10 s; at most three speakers in one, two at a time.',
  },
];
