import type { WaveformSource } from '#origin/vad/plan-windows.ts';

/** A waveform that is there from the start. */
export function wholeSource(sampleCount: number, path = '/waveform.f32'): WaveformSource {
  return { path, available: async () => ({ sampleCount, ended: true }) };
}

export interface Arrival {
  readonly sampleCount: number;
  /** Samples beyond those asked for that are there at each call in turn; none once the list is over. */
  readonly surplus: readonly number[];
  /** The end is known only when more is asked for than there is. */
  readonly endsLate: boolean;
}

/** A waveform that grows while it is read. */
export function arrivingSource(arrival: Arrival, path = '/waveform.f32'): WaveformSource {
  let calls = 0;
  let held = 0;
  return {
    path,
    available: async (samples) => {
      const target = samples + (arrival.surplus[calls] ?? 0);
      calls += 1;
      held = Math.max(held, Math.min(target, arrival.sampleCount));
      const isAll = held === arrival.sampleCount;
      return { sampleCount: held, ended: isAll && (!arrival.endsLate || samples > held) };
    },
  };
}
