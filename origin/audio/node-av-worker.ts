/**
 * The node-av decoder's process: `node node-av-worker.ts FILE mix|N` writes all channels mixed, or channel N alone, as
 * f32le, 16 kHz, mono to stdout; `… FILE probe` only tells their number. Its complaints go to stderr, in ffmpeg's words, so that one judge reads both. Every call is the synchronous one:
 * nothing else runs here, and per-packet promises cost more than the decoding.
 */
import { writeSync } from 'node:fs';
import { AV_LOG_WARNING, AVDISCARD_ALL, AVERROR_EOF, AVMEDIA_TYPE_AUDIO } from 'node-av/constants';
import {
  Codec,
  CodecContext,
  Dictionary,
  FFmpegError,
  FormatContext,
  Frame,
  Log,
  Packet,
  type Stream,
} from 'node-av/lib';
import { ALLOWED_FORMATS, ALLOWED_PROTOCOLS, toFileUrl } from '#origin/audio/decoder-command.ts';
import { openResampler, type Resampler } from '#origin/audio/node-av-resampler.ts';

function main(inputPath: string, what: string): void {
  Log.setLevel(AV_LOG_WARNING);
  const input = openInput(inputPath);
  const stream = input.streams.find((s) => s.codecpar.codecType === AVMEDIA_TYPE_AUDIO);
  if (stream === undefined) throw new Error("Stream map '0:a:0' matches no streams.");
  for (const other of input.streams) {
    if (other.index !== stream.index) other.discard = AVDISCARD_ALL;
  }
  if (what === 'probe') complain(`channels:${stream.codecpar.channels}`);
  else decodeStream(input, stream, what === 'mix' ? null : Number(what));
}

function openInput(inputPath: string): FormatContext {
  const input = new FormatContext();
  const options = Dictionary.fromObject({
    protocol_whitelist: ALLOWED_PROTOCOLS,
    format_whitelist: ALLOWED_FORMATS,
  });
  check(input.openInputSync(toFileUrl(inputPath), null, options));
  check(input.findStreamInfoSync(null));
  return input;
}

function decodeStream(input: FormatContext, stream: Stream, channel: number | null): void {
  const decoder = openDecoder(stream);
  const packet = new Packet();
  packet.alloc();
  const drain = frameDrain(decoder, channel);
  let code = input.readFrameSync(packet);
  for (; code >= 0; code = input.readFrameSync(packet)) {
    // A damaged packet is logged by the decoder and skipped, as ffmpeg does.
    if (packet.streamIndex === stream.index && decoder.sendPacketSync(packet) >= 0) drain.frames();
    packet.unref();
  }
  if (code !== AVERROR_EOF) complain(`Error during demuxing: ${FFmpegError.strerror(code)}`);
  decoder.sendPacketSync(null);
  drain.frames();
  drain.finish();
}

function openDecoder(stream: Stream): CodecContext {
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null) throw new Error('Decoder not found');
  const decoder = new CodecContext();
  decoder.allocContext3(codec);
  check(decoder.parametersToContext(stream.codecpar));
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = 1;
  check(decoder.open2Sync(codec, null));
  return decoder;
}

/** Moves finished frames from the decoder into a resampler, a new one whenever the frames' format changes. */
function frameDrain(decoder: CodecContext, channel: number | null) {
  const frame = new Frame();
  frame.alloc();
  let resampler: Resampler | null = null;

  return {
    frames(): void {
      while (decoder.receiveFrameSync(frame) >= 0) {
        if (resampler !== null && !resampler.accepts(frame)) {
          resampler.finish();
          resampler = null;
        }
        resampler ??= openResampler(frame, { channel, write: writeAll });
        resampler.push(frame);
        frame.unref();
      }
    },
    finish(): void {
      resampler?.finish();
    },
  };
}

/** Waits for the reader: stdout is a blocking pipe in a child process. */
function writeAll(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.byteLength) written += writeSync(1, bytes, written);
}

function complain(message: string): void {
  writeSync(2, `${message}\n`);
}

function check(code: number): void {
  if (code < 0) throw new Error(FFmpegError.strerror(code));
}

try {
  main(process.argv[2] ?? '', process.argv[3] ?? 'mix');
} catch (error) {
  complain(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
