/** Which build of a model is loaded: the best one that suits the settings and that the machine can run. */
import type { InferenceSession } from 'onnxruntime-node';
import { type BuiltModelDir, findBuilt, type ModelStore } from '#models/store.ts';
import type { LoadResult } from '../protocol.ts';
import { type BuildChoice, buildChoices, type DeviceSettings } from './choose-build.ts';

export interface LoadSettings extends DeviceSettings {
  readonly store: ModelStore;
  /** Threads of one call. */
  readonly threads: number;
}

/** What opens a build's sessions. */
export type OpenBuild<Graphs> = (
  built: BuiltModelDir,
  options: InferenceSession.SessionOptions,
  provider: BuildChoice['provider'],
) => Promise<Graphs>;

export interface Loaded<Graphs> {
  readonly graphs: Graphs;
  readonly result: LoadResult;
}

/**
 * Tries the builds that suit the settings, best first; says why a better one was not taken.
 *
 * @throws Error when none can be loaded, with the reasons
 */
export async function loadBuild<Graphs>(
  name: string,
  settings: LoadSettings,
  open: OpenBuild<Graphs>,
): Promise<Loaded<Graphs>> {
  const started = performance.now();
  const refused: string[] = [];
  for (const choice of buildChoices(settings)) {
    const built = findBuilt(settings.store, name, choice.target);
    if (!built) {
      // Most machines have no GPU build and never asked for one: nothing to report.
      const isWanted = choice.provider === 'cpu' || settings.device === 'cuda';
      if (isWanted) refused.push(`${choice.provider}: no "${choice.target}" build is installed`);
      continue;
    }
    try {
      const graphs = await open(built, sessionOptions(settings, choice.provider), choice.provider);
      const loadSeconds = (performance.now() - started) / 1000;
      const note = refused.length > 0 ? refused.join('; ') : null;
      return { graphs, result: { model: name, device: choice.provider, loadSeconds, note } };
    } catch (error) {
      if (choice.provider === 'cpu') throw error;
      refused.push(`${choice.provider}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`model "${name}" cannot be loaded (${refused.join('; ')})`);
}

export function sessionOptions(
  { threads }: Pick<LoadSettings, 'threads'>,
  provider: BuildChoice['provider'],
): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // A plan for each new shape would keep 300 MB more: batches and texts differ in length every time.
    enableMemPattern: false,
    logSeverityLevel: 3,
  };
}
