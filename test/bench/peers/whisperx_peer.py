"""whisperX as a peer of the benchmarks: its pyannote voice activity detection, no alignment.

python whisperx_peer.py --model DIR [--threads 2] [--beam 5] [--batch 8] [--compute int8]

The weights of the voice activity detection ship in whisperX's package; the Whisper model is a local
CTranslate2 directory. Nothing is downloaded.
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
    import warnings
    from importlib.metadata import version

    warnings.filterwarnings("ignore")
    import torch
    import whisperx

    torch.set_num_threads(args.threads)
    model = whisperx.load_model(
        args.model,
        "cpu",
        compute_type=args.compute,
        threads=args.threads,
        vad_method="pyannote",
        asr_options={"beam_size": args.beam},
        local_files_only=True,
    )

    def transcribe(file, _mode, language):
        result = model.transcribe(whisperx.load_audio(file), batch_size=args.batch, language=language)
        text = " ".join(s["text"].strip() for s in result["segments"])
        return {"text": text, "language": result["language"]}

    return transcribe, {"whisperx": version("whisperx"), "torch": torch.__version__}


main()
