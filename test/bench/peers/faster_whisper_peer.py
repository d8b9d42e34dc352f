"""faster-whisper as a peer of the benchmarks.

python faster_whisper_peer.py --model DIR [--threads 2] [--beam 5] [--batch 8] [--compute int8]

Modes: "batched" (BatchedInferencePipeline and its voice activity detection, no word times),
"words" (the same with word_timestamps), "sequential" (WhisperModel.transcribe, no voice activity detection).
"""

import argparse

import peer_protocol


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--compute", default="int8")
    args = parser.parse_args()
    peer_protocol.offline(args.threads)
    peer_protocol.serve(lambda: load(args))


def load(args):
    import ctranslate2
    import faster_whisper

    model = faster_whisper.WhisperModel(
        args.model,
        device="cpu",
        compute_type=args.compute,
        cpu_threads=args.threads,
        local_files_only=True,
    )
    pipeline = faster_whisper.BatchedInferencePipeline(model)

    def transcribe(file, mode, language):
        words = mode == "words"
        if mode == "sequential":
            segments, info = model.transcribe(file, beam_size=args.beam, language=language)
        elif mode in ("batched", "words"):
            segments, info = pipeline.transcribe(
                file,
                beam_size=args.beam,
                batch_size=args.batch,
                language=language,
                word_timestamps=words,
            )
        else:
            raise ValueError(f"unknown mode {mode!r}: batched, words or sequential")
        segments = list(segments)  # a generator: the work happens here
        result = {"text": " ".join(s.text.strip() for s in segments), "language": info.language}
        if words:
            result["words"] = [
                {"word": w.word.strip(), "start": w.start, "end": w.end}
                for s in segments
                for w in s.words or []
            ]
        return result

    versions = {
        "faster-whisper": faster_whisper.__version__,
        "ctranslate2": ctranslate2.__version__,
    }
    return transcribe, versions


main()
