"""The line protocol that every peer program speaks, so that the bench can tell a loaded model to run once.

stdin:  one JSON object a line: {"id": 1, "file": "/abs/clip.flac", "mode": "batched", "language": null}
stdout: first {"ready": true, "load_seconds": s, "versions": {...}}, then a line for each request:
        {"id": 1, "seconds": s, "text": "...", "language": "en", "words": [{"word", "start", "end"}]}
        or {"id": 1, "error": "..."}.
`seconds` counts from opening the file to the last word of text; loading the model is not in it.
"""

import json
import os
import sys
import time


def offline(threads):
    """Refuses every download and fixes the thread count; call it before the first heavy import."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"


def serve(load):
    """Loads with `load() -> (transcribe, versions)`, then answers stdin line by line until it closes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print goes to stderr and cannot break the protocol

    def say(record):
        answers.write(json.dumps(record, ensure_ascii=False) + "\n")
        answers.flush()

    started = time.perf_counter()
    transcribe, versions = load()
    say({"ready": True, "load_seconds": time.perf_counter() - started, "versions": versions})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            started = time.perf_counter()
            result = transcribe(request["file"], request.get("mode"), request.get("language"))
            seconds = time.perf_counter() - started
            say({"id": request["id"], "seconds": seconds, **result})
        except Exception as error:  # the bench reports it; the peer stays loaded
            say({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
