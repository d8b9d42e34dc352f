/** Decoded frames of any layout → 16 kHz mono floats, through FFmpeg's own resampler (node-av worker only). */
import { avChannelLayoutDefault, Filter, FilterGraph, Frame } from 'node-av/lib';
import { outputFilters } from '#origin/audio/decoder-command.ts';

/** Holds native memory: `close` it. */
export interface Resampler {
  /** Whether frames like this one can be pushed; if not, finish and open another. */
  accepts(frame: Frame): boolean;
  push(frame: Frame): void;
  /** Writes out all that is left. */
  finish(): void;
}

/** Output leaves in pieces of 1 s: few calls into native code. */
const OUTPUT_SAMPLES = 16_000;

/** Frames pushed before the output is asked for: asking costs as much as pushing. */
const FRAMES_PER_PULL = 32;

export interface ResamplerOutput {
  /** Counts from 0; null: all mixed. */
  readonly channel: number | null;
  /** Gets f32le bytes that are valid during the call only. */
  readonly write: (bytes: Uint8Array) => void;
}

/** A resampler for frames like `first`. */
export function openResampler(first: Frame, { channel, write }: ResamplerOutput): Resampler {
  const { sampleRate, channels, format } = first;
  const { graph, source, sink } = buildGraph(first, channel);
  const output = new Frame();
  output.alloc();
  let pending = 0;

  function pull(): void {
    pending = 0;
    while (sink.buffersinkGetFrameSync(output) >= 0) {
      const plane = output.data?.[0];
      if (plane !== undefined) write(plane.subarray(0, output.nbSamples * 4));
      output.unref();
    }
  }

  return {
    accepts: (frame) =>
      frame.sampleRate === sampleRate && frame.format === format && frame.channels === channels,
    push(frame) {
      check(source.buffersrcAddFrameSync(frame), 'resample');
      pending += 1;
      if (pending >= FRAMES_PER_PULL) pull();
    },
    finish() {
      check(source.buffersrcAddFrameSync(null), 'finish resampling');
      pull();
      output.free();
      graph.free();
    },
  };
}

function buildGraph(frame: Frame, channel: number | null) {
  const graph = new FilterGraph();
  graph.alloc();
  graph.nbThreads = 1;
  const rate = frame.sampleRate;
  const layout = layoutOf(frame);
  const input = `time_base=1/${rate}:sample_rate=${rate}:sample_fmt=${frame.format}:channel_layout=${layout}`;
  const source = addFilter(graph, 'abuffer', input);
  const sink = addFilter(graph, 'abuffersink', null);
  const chain = [
    source,
    ...outputFilters(channel).map(([name, options]) => addFilter(graph, name, options)),
    addFilter(graph, 'asetnsamples', `n=${OUTPUT_SAMPLES}:p=0`),
    sink,
  ];
  chain.reduce((from, to) => {
    check(from.link(0, to, 0), 'link filters');
    return to;
  });
  check(graph.configSync(), 'set up the resampler');
  return { graph, source, sink };
}

function addFilter(graph: FilterGraph, name: string, args: string | null) {
  const filter = Filter.getByName(name);
  const context = filter === null ? null : graph.createFilter(filter, name, args);
  if (context === null) throw new Error(`FFmpeg filter ${name} is missing`);
  return context;
}

/** A mask the resampler can mix down; files without one get the usual layout of their channel count. */
function layoutOf(frame: Frame): string {
  const { mask } = frame.channelLayout;
  const known = mask > 0n ? mask : avChannelLayoutDefault(frame.channels).mask;
  return known > 0n ? `0x${known.toString(16)}` : `${frame.channels}c`;
}

function check(code: number, action: string): void {
  if (code < 0) throw new Error(`could not ${action} (code ${code})`);
}
