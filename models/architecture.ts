/** What the builder has to know of an architecture. */
import type { BuildOptions } from './build.ts';
import type { ModelBuilder } from './onnx/model-builder.ts';
import type { Precision } from './target.ts';

export interface Architecture {
  readonly name: string;
  /** Read by the service beside the graphs; copied where they are there. */
  readonly sideFiles: readonly string[];
  /**
   * The graphs of the model in a folder, in the order in which they are built.
   * @throws Error if the folder does not hold a model of this architecture
   */
  readonly graphs: (sourceDir: string, precision: Precision, options: BuildOptions) => GraphPlan[];
}

export interface GraphPlan {
  /** The file's name without `.onnx`. */
  readonly name: string;
  readonly fill: (model: ModelBuilder) => void;
}
