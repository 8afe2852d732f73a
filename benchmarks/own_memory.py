"""The most memory that a fit takes, for files of points of several sizes.

`python benchmarks/own_memory.py --json data/benchmarks/own_memory.json` writes files of up to 8 GB
to the folder for temporary files, one after the other, and deletes them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from train_step import processor

COLUMNS = 50
SIZES = (1.0, 2.0, 4.0, 8.0)  # gigabytes
BLOCK = 100_000  # rows that are written together
# `ru_maxrss` counts what a process has of the file in memory, too. So it hides nothing.
FIT = """
import json, resource, sys, time
import numpy as np
from isoae_lib import IsometricAutoencoder
points = np.load(sys.argv[1], mmap_mode="r")
began = time.perf_counter()
model = IsometricAutoencoder(hidden=(32,), steps=300, random_state=0).fit(points)
model.score(points[:100_000]), model.diagnose(points)
seconds = time.perf_counter() - began
megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"megabytes": round(megabytes), "seconds": round(seconds, 1)}))
"""


def fit(file: Path, gigabytes: float) -> dict[str, float]:
    """Return the most megabytes that a fit of a file of points has in memory, and its seconds."""
    rows = int(gigabytes * 1e9 / (COLUMNS * 4))
    block = np.random.default_rng(0).normal(size=(BLOCK, COLUMNS)).astype(np.float32)
    header = {"descr": block.dtype.str, "fortran_order": False, "shape": (rows, COLUMNS)}
    with file.open("wb") as target:  # not mapped: a child's peak begins with that of its parent
        np.lib.format.write_array_header_1_0(target, header)
        for start in range(0, rows, BLOCK):
            target.write(block[: rows - start].tobytes())
    done = subprocess.run(
        [sys.executable, "-c", FIT, file], env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    file.unlink()
    return {"gigabytes": gigabytes, "points": rows} | json.loads(done.stdout)


def main(
    json_file: Annotated[Path, typer.Option("--json", help="where the numbers go")],
) -> None:
    """Fit each file, and write the numbers."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for gigabytes in SIZES:
            rows.append(fit(Path(folder) / "points.npy", gigabytes))
            print(rows[-1], flush=True)
    content = {"processor": processor(), "columns": COLUMNS, "rows": rows}
    json_file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
