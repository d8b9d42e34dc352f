/** Which build of a model runs on which device, best first. */
import type { ModelTarget } from '#models/target.ts';

export interface DeviceSettings {
  readonly device: 'auto' | 'cuda' | 'cpu';
  readonly computeType: 'auto' | 'float16' | 'float32' | 'int8';
}

export interface BuildChoice {
  readonly provider: 'cuda' | 'cpu';
  readonly target: ModelTarget;
}

/** What to try in turn. `auto` prefers CUDA and ends on the CPU; `cuda` falls back too, since text late beats none. */
export function buildChoices({ device, computeType }: DeviceSettings): BuildChoice[] {
  const cpu: BuildChoice[] =
    computeType === 'float32'
      ? [{ provider: 'cpu', target: 'cpu-f32' }]
      : [
          { provider: 'cpu', target: 'cpu' },
          { provider: 'cpu', target: 'cpu-f32' },
        ];
  if (device === 'cpu') return cpu;
  const onGpu: BuildChoice =
    computeType === 'float32'
      ? { provider: 'cuda', target: 'cpu-f32' }
      : { provider: 'cuda', target: 'cuda-f16' };
  return [onGpu, ...cpu];
}
