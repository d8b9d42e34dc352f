/** What is on this machine: Whisper models by name, and the aligner of each language. */
import { ANY_LANGUAGE, alignerFor } from '#models/aligner-for.ts';
import { type BuiltModelDir, findBuilt, listInstalled, type ModelStore } from '#models/store.ts';
import type { OriginConfig } from '#origin/config.ts';
import { buildChoices } from '#origin/engine/graphs/choose-build.ts';
import { SttException } from '#shared/errors.ts';

export interface ModelCatalogue {
  readonly defaultName: string;
  /** A build for the GPU may be used. */
  readonly usesGpu: boolean;
  /** Whisper models. */
  names(): string[];
  /** Canonical name of a model asked for. @throws SttException `unknown_model` */
  resolve(asked: string | undefined): string;
  /** Folder of the build that holds the tokenizer. */
  folder(name: string): string;
  /** The installed aligner for a language, its own before one for many; null where there is none. */
  aligner(language: string): InstalledAligner | null;
  /** Aligner by language code; `*` stands for all other languages. */
  aligners(): Record<string, string>;
}

/** An aligner that can be used. */
export interface InstalledAligner {
  readonly name: string;
  readonly dir: string;
  /** One model for all languages. */
  readonly isForAny: boolean;
}

export function openCatalogue(store: ModelStore, config: OriginConfig): ModelCatalogue {
  const choices = buildChoices(config);
  const usable = (architecture: string): BuiltModelDir[] =>
    listInstalled(store).built.filter(
      ({ manifest }) =>
        manifest.architecture === architecture &&
        choices.some(({ target }) => target === manifest.target),
    );
  const buildOf = (name: string) =>
    choices.map(({ target }) => findBuilt(store, name, target)).find((built) => built);
  const names = () => {
    const built = usable('whisper').map(({ manifest }) => manifest.name);
    return [...new Set(built)].sort();
  };
  const isOnGpu = (name: string) =>
    config.device !== 'cpu' && findBuilt(store, name, 'cuda-f16') !== undefined;
  const defaultName = config.whisperModel ?? (isOnGpu('large-v3') ? 'large-v3' : 'base');
  const unknown = (model: string) =>
    new SttException({ kind: 'unknown_model', model, known: names() });
  return {
    defaultName,
    usesGpu: isOnGpu(defaultName),
    names,
    resolve(asked) {
      const name = asked ?? this.defaultName;
      if (names().includes(name)) return name;
      throw unknown(name);
    },
    folder(name) {
      const built = buildOf(name);
      if (!built) throw unknown(name);
      return built.dir;
    },
    aligner: (language) => {
      const installed = usable('wav2vec2').map(({ manifest }) => manifest);
      const name = alignerFor(language, installed)?.name;
      const built = name === undefined ? undefined : buildOf(name);
      if (built === undefined) return null;
      const { name: own, languages } = built.manifest;
      return { name: own, dir: built.dir, isForAny: languages.includes(ANY_LANGUAGE) };
    },
    aligners: () =>
      Object.fromEntries(
        usable('wav2vec2').flatMap(({ manifest: { name, languages } }) =>
          languages.map((language) => [language, name]),
        ),
      ),
  };
}
