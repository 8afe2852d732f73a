"""The store of training runs: records on disk, whole or absent, and `get`, the only cache."""

from __future__ import annotations

import ast
import csv
import hashlib
import json
import os
import platform
import resource
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zipfile import BadZipFile

import numpy as np
import safetensors.torch
import torch
from filelock import FileLock

from isoae_lib import evaluation, paper, training
from isoae_lib.errors import InputError
from isoae_lib.networks import Autoencoder
from isoae_lib.specs import TRAINING_VERSION, RunSpec
from isoae_lib.surfaces import SURFACES, Array

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "data" / "runs"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


@dataclass(frozen=True)
class Run:
    """What came out of one training run.

    Attributes
    ----------
    spec : RunSpec
        What was asked.
    record : dict
        The content of `run.json`: status, losses, metrics, seconds, versions and the rest.
    points, chart, codes : array
        Training data (n, D), its chart coordinates, and its latent codes (n, d).
    history : list of dict
        Step and loss terms.
    folder : Path
        Where the record lies.
    """

    spec: RunSpec
    record: dict[str, Any]
    points: Array
    chart: Array
    codes: Array
    history: list[dict[str, float]]
    folder: Path

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers of `evaluation.evaluate`, by name; empty for a diverged run."""
        return self.record["metrics"]

    @property
    def model(self) -> Autoencoder:
        """The trained networks, in evaluation mode, from `weights.safetensors`."""
        model = training.build(self.spec)
        safetensors.torch.load_model(model, self.folder / "weights.safetensors")
        return model.eval()

    def __repr__(self) -> str:
        spec = self.spec
        return (
            f"Run {spec.key}: {spec.method} on {spec.data}, seed {spec.seed}, "
            f"{self.record['preset']}, {spec.steps} steps of {spec.batch}, {self.record['status']}"
        )


def store_path() -> Path:
    """Return the local store: `ISOAE_STORE`, or `build/store` of the project."""
    return Path(os.environ.get("ISOAE_STORE", ROOT / "build" / "store"))


@cache
def code_digest() -> str:
    """Return a digest of the modules that decide a run's numbers, comments left out.

    A local record made by other code is not trusted, whatever `TRAINING_VERSION` says: an edit
    to the library is never answered with a stale run.
    """
    digest = hashlib.sha256()
    for name in paper.DECIDING:
        tree = ast.parse((ROOT / "isoae_lib" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
                node.body.pop(0)
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:16]


def find(spec: RunSpec, store: Path | None = None) -> Run | None:
    """Return the spec's record from the local store, if it is whole and made by this code."""
    folder = (store or store_path()) / spec.key
    if not (folder / "run.json").is_file():
        return None
    run = read(folder)
    return run if run.record.get("code") == code_digest() else None


def get(
    spec: RunSpec,
    preset: str = "custom",
    store: Path | None = None,
    device: str = "cpu",
    progress: training.Progress | None = None,
) -> Run:
    """Return the spec's run, from the local store or by training it.

    Two processes that want the same run do the work once: the second waits for the first.

    Parameters
    ----------
    preset : str
        Kept in the record, so that every number says its scale.
    store : Path, optional
        Where records are kept; `store_path()` unless given.

    Raises
    ------
    InputError
        If the store cannot be written to, or the device is not there.
    """
    store = store or store_path()
    if run := find(spec, store):
        return run
    training.device_of(device)
    try:
        store.mkdir(parents=True, exist_ok=True)
        probe = Path(mkdtemp(prefix=".writable-", dir=store))
        probe.rmdir()
    except OSError as error:
        raise InputError(f"the store {store} cannot be written to: {error.strerror}.") from None
    with FileLock(store / f".{spec.key}.lock"):
        if run := find(spec, store):
            return run
        fit = training.fit(spec, device, progress)
        return read(_write(store, spec, preset, device, fit))


def load(name: str, preset: str, seed: int = 0) -> Run:
    """Return the run called `section/data/method` at a preset, training it if need be."""
    return get(paper.spec(name, preset, seed), preset)


def published() -> Iterator[Run]:
    """Yield every run under `data/runs`, in the order of its name."""
    for file in sorted(PUBLISHED.glob("**/run.json")):
        yield read(file.parent)


def read(folder: Path) -> Run:
    """Read one record.

    Raises
    ------
    InputError
        If a file of it is missing or damaged.
    """
    try:
        record = json.loads((folder / "run.json").read_text())
        spec = RunSpec(**record["spec"])
        arrays = np.load(folder / "embedding.npz")
        with (folder / "history.csv").open() as lines:
            history = [
                {name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)
            ]
        return Run(
            spec, record, arrays["points"], arrays["chart"], arrays["codes"], history, folder
        )
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the record {folder} is damaged ({error}): delete it.") from None


def _write(store: Path, spec: RunSpec, preset: str, device: str, fit: training.Fit) -> Path:
    """Write the record beside its place, then rename it: it is whole or absent."""
    points, chart = training.training_data(spec)
    codes = evaluation.encoder_map(fit.model)(points)
    record = {
        "key": spec.key,
        "spec": asdict(spec),
        "preset": preset,
        "status": fit.status,
        "losses": training.losses_of(fit.model, points),
        "metrics": _metrics(spec, fit, points, chart),
        "seconds": round(fit.seconds, 2),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "device": f"{device}, {platform.machine()}, {torch.get_num_threads()} threads",
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "training": TRAINING_VERSION,
        },
        "commit": _commit(),
        "code": code_digest(),
        "data": {"sha256": hashlib.sha256(points.tobytes()).hexdigest(), "official": True},
    }
    aside = Path(mkdtemp(prefix=".writing-", dir=store))
    (aside / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    with (aside / "history.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(fit.history[0]) if fit.history else ["step"])
        writer.writeheader()
        writer.writerows(fit.history)
    np.savez_compressed(aside / "embedding.npz", points=points, chart=chart, codes=codes)
    safetensors.torch.save_model(fit.model, str(aside / "weights.safetensors"))
    folder = store / spec.key
    if folder.exists():  # made by other code: out of the way first, for rename needs an empty place
        folder.rename(Path(mkdtemp(prefix=".replaced-", dir=store)) / spec.key)
    aside.rename(folder)
    return folder


def _metrics(spec: RunSpec, fit: training.Fit, points: Array, chart: Array) -> dict[str, float]:
    if fit.status == "diverged":
        return {}
    if spec.data in SURFACES:
        return evaluation.evaluate(fit.model, points, chart, SURFACES[spec.data])
    return evaluation.evaluate_curve(fit.model, points)


def _commit() -> str:
    """The commit of the code, with a + when the work tree differs from it."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
