"""The store of training runs: records on disk, whole or absent, and `get`, the only cache."""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
import platform
import resource
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import safetensors.torch
import torch
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from isoae_lib import files
from isoae_lib.core import checkpoints, training
from isoae_lib.core.arrays import Array, digest
from isoae_lib.core.networks import Autoencoder
from isoae_lib.core.spec import TRAINING_VERSION
from isoae_lib.errors import InputError
from isoae_lib.files import ROOT
from isoae_lib.paper import fitting, sections
from isoae_lib.paper.data import datasets, images
from isoae_lib.paper.metrics import measures
from isoae_lib.paper.provenance import code_digest, commit
from isoae_lib.paper.specs import RunSpec

PUBLISHED = ROOT / "data" / "runs"
CURVES = ROOT / "data" / "curves"  # runs of fewer and of more steps than the published ones
PUBLISHED_CODES = 10_000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What came out of one training run.

    Attributes
    ----------
    spec : RunSpec
        What was asked.
    record : dict
        The content of `run.json`: status, losses, metrics, seconds, versions and the rest.
    codes, labels : array
        Latent codes (n, d) of the training data, and the classes (n,) of images; of a published
        record, of the first `PUBLISHED_CODES` images.
    history : list of dict
        Step and loss terms.
    folder : Path
        Where the record lies.
    """

    spec: RunSpec
    record: dict[str, Any]
    codes: Array
    labels: NDArray
    history: list[dict[str, float]]
    folder: Path

    @cached_property
    def data(self) -> tuple[NDArray, NDArray]:
        """Training data (n, D), and its chart coordinates (n, 2) or classes (n,)."""
        return datasets.training_data(self.spec)

    @property
    def points(self) -> NDArray:
        """Training data (n, D); images are bytes."""
        return self.data[0]

    @property
    def chart(self) -> NDArray:
        """Chart coordinates (n, 2) of the points of a surface."""
        return self.data[1]

    @property
    def pictures(self) -> dict[str, NDArray[np.uint8]]:
        """Images (n, D) that the record keeps, by name: reconstructions, and decoded samples."""
        if "pictures.npz" not in self.record["files"]:
            return {}
        with np.load(self.folder / "pictures.npz") as arrays:
            return dict(arrays)

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers of `evaluation.evaluate`, by name; empty for a diverged run."""
        return self.record["metrics"]

    @property
    def model(self) -> Autoencoder:
        """The trained networks, in evaluation mode; published records come without."""
        weights = self.folder / "weights.safetensors"
        if not weights.is_file():
            raise InputError(f"the record {self.folder} has no weights: train the run again.")
        model = datasets.build(self.spec)
        model.load_state_dict(safetensors.torch.load_file(weights))
        return model.eval()

    def __repr__(self) -> str:
        spec = self.spec
        said = ("data", "method", "seed")
        rest = " ".join(
            f"{name}={value}" for name, value in spec.given().items() if name not in said
        )
        return (
            f"Run {spec.key}: {spec.method} on {spec.data}, seed {spec.seed}, "
            f"{self.record['preset']}, {self.record['status']}; {rest}"
        )


def store_path() -> Path:
    """Return the local store: `ISOAE_STORE`, or `build/store` of the project."""
    return Path(os.environ.get("ISOAE_STORE", ROOT / "build" / "store"))


def find(spec: RunSpec, store: Path | None = None) -> Run | None:
    """Return the spec's record from the local store, if it is whole and made by this code.

    A damaged record counts as absent, with a warning. Of images that are not the official ones, the
    record must be of those that are there.
    """
    folder = (store or store_path()) / spec.key
    if not (folder / "run.json").is_file():
        return None
    try:
        run = read(folder)
    except InputError as error:
        log.warning("%s It is trained again.", error)
        return None
    data = run.record["data"]
    usable = data["official"] or (
        images.unverified_allowed() and data["sha256"] == digest(run.points)
    )
    return run if usable and run.record["code"] == code_digest() else None


def get(
    spec: RunSpec,
    preset: str = "custom",
    store: Path | None = None,
    device: str = "cpu",
    progress: training.Progress | None = None,
    stop: training.Stop = lambda: False,
) -> Run:
    """Return the spec's run, from the local store or by training it.

    Training goes on from the run's checkpoint, if there is one. Two processes that want the same
    run do the work once: the second waits for the first, or takes over where it was killed.

    Parameters
    ----------
    preset : str
        Kept in the record, so that every number says its scale.
    store : Path, optional
        Where records are kept; `store_path()` unless given.
    stop : callable
        When it says yes, the run ends with a checkpoint.

    Raises
    ------
    InputError
        If the store cannot be written to, the disk is full, or the device is not there.
    Unfinished
        If `stop` said so.
    """
    store = store or store_path()
    return find(spec, store) or _train([spec], preset, store, device, progress, stop)[0]


def train_stacks(
    specs: Sequence[RunSpec],
    preset: str = "custom",
    store: Path | None = None,
    device: str = "cpu",
    progress: training.Progress | None = None,
    stop: training.Stop = lambda: False,
) -> None:
    """Train runs of one shape as one stack each, which pays on a GPU; `get` then finds them.

    A stack is trained whole or not at all: where a part of it is there already, the rest is left
    to `get`. So a kill between the records of a stack costs nothing.
    """
    store = store or store_path()
    stacks: dict[str, list[RunSpec]] = {}
    for spec in specs:
        stacks.setdefault(fitting.stackable(spec), []).append(spec)
    for stack in stacks.values():
        if _checkpoint(store, stack).exists() or not any(find(spec, store) for spec in stack):
            _train(stack, preset, store, device, progress, stop)


def _checkpoint(store: Path, specs: Sequence[RunSpec]) -> Path:
    """Return where the state of a run, or of a stack of them, is kept while it is trained."""
    keys = " ".join(spec.key for spec in specs)
    name = keys if len(specs) == 1 else f"stack-{hashlib.sha256(keys.encode()).hexdigest()[:16]}"
    return store / f".{name}.checkpoint"


def _train(
    specs: Sequence[RunSpec],
    preset: str,
    store: Path,
    device: str,
    progress: training.Progress | None,
    stop: training.Stop,
) -> list[Run]:
    """Train runs of one shape at once, alone with them, and write the records that are missing."""
    training.device_of(device)
    with files.writing(f"the store {store}"):
        files.write_aside(store / "writable", "").unlink()
    checkpoint = _checkpoint(store, specs)
    with ExitStack() as held:
        for key in sorted(spec.key for spec in specs):  # in one order, or two could wait crosswise
            held.enter_context(_alone_with(key, store))
        there = [find(spec, store) for spec in specs]
        if not all(there):
            fits = fitting.fits(specs, device, progress, checkpoint, stop, code_digest())
            for spec, run, fit in zip(specs, there, fits, strict=True):
                if run is None:
                    _write(store, spec, preset, device, fit)
            checkpoints.clear(checkpoint)
        return [run or read(store / spec.key) for spec, run in zip(specs, there, strict=True)]


@contextmanager
def _alone_with(key: str, store: Path) -> Iterator[None]:
    """Hold a run's lock, waiting for it; the system frees it when its owner dies."""
    lock = FileLock(store / f".{key}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.warning("waiting for another process that trains %s", key)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def load(name: str, preset: str, seed: int = 0) -> Run:
    """Return the run called `section/data/method` at a preset, training it if need be."""
    return get(sections.spec(name, preset, seed), preset)


def named(wanted: Iterable[tuple[str, int]], preset: str) -> list[tuple[str, Run]]:
    """Return runs at a preset with their names, training what is missing."""
    return [(name, load(name, preset, seed)) for name, seed in wanted]


def published(top: Path | None = None) -> Iterator[tuple[str, Run]]:
    """Yield every run under `top`, `PUBLISHED` unless given, with its name, in their order."""
    top = top or PUBLISHED
    for folder in _folders(top, "**/run.json"):
        yield str(folder.parent.relative_to(top)), read(folder)


def folders(store: Path | None = None) -> list[Path]:
    """Return the folders of all records, those of the store first, then the published ones."""
    local = _folders(store or store_path(), "*/run.json")
    return local + [f for top in (PUBLISHED, CURVES) for f in _folders(top, "**/run.json")]


def _folders(top: Path, pattern: str) -> list[Path]:
    """Return folders with a record, sorted; hidden ones are unfinished, or were replaced."""
    found = sorted(file.parent for file in top.glob(pattern))
    return [folder for folder in found if not folder.name.startswith(".")]


def publish(run: Run, name: str, top: Path | None = None) -> Path:
    """Copy a run's record, without its weights, to `top`, `PUBLISHED` unless given.

    Return the folder there.

    It takes the place of the one before only when it is whole.
    Of images in the plane, the first `PUBLISHED_CODES` codes are kept, in half precision: enough
    for a picture. Larger codes are not. Pictures are those of the first seed, which figures show.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    folder = (top or PUBLISHED) / name / f"seed-{run.spec.seed}"
    left_out = {"weights.safetensors"} | ({"pictures.npz"} if run.spec.seed else set())
    kept = {file: digest for file, digest in run.record["files"].items() if file not in left_out}
    with files.whole_folder(folder) as aside:
        for file in kept:
            shutil.copy(run.folder / file, aside)
        if run.spec.of_images:
            shown = PUBLISHED_CODES if run.spec.latent == 2 else 0
            _save_codes(aside, run.codes[:shown].astype(np.float16), run.labels[:shown])
            kept["embedding.npz"] = _checksum(aside / "embedding.npz")
        (aside / "run.json").write_text(_sealed(run.record | {"files": kept}), encoding="utf-8")
    return folder


def read(folder: Path) -> Run:
    """Read one record.

    Raises
    ------
    InputError
        If a file of it is missing, or differs from what was written.
    """
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if record.pop("seal") != _seal(record):
            raise ValueError("the checksum of run.json differs")
        for name, digest in record["files"].items():
            if _checksum(folder / name) != digest:
                raise ValueError(f"the checksum of {name} differs")
        spec = RunSpec(**record["spec"])
        with np.load(folder / "embedding.npz") as arrays:
            codes = arrays["codes"].astype(np.float64)
            labels = arrays["labels"]
        with (folder / "history.csv").open(encoding="utf-8") as lines:
            history = [
                {name: float(value) for name, value in row.items()} for row in csv.DictReader(lines)
            ]
    except (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError) as error:
        raise InputError(f"the record {folder} is damaged ({error}).") from None
    return Run(spec, record, codes, labels, history, folder)


def _peak_memory() -> int:
    """Return the most bytes that this process has held; macOS counts bytes, Linux KiB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _seal(record: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _sealed(record: dict[str, Any]) -> str:
    """Return the text of `run.json`: the record and its checksum."""
    return json.dumps(record | {"seal": _seal(record)}, indent=1) + "\n"


def _write(store: Path, spec: RunSpec, preset: str, device: str, fit: training.Fit) -> None:
    """Measure a fit and write its record, whole or not at all.

    A record of other code, or a damaged one, stays beside it under a hidden name.
    """
    measured = measures.measure(spec, fit, store)
    record = {
        "key": spec.key,
        "spec": asdict(spec),
        "preset": preset,
        "status": fit.status,
        "diverged_at": fit.diverged_at,
        "epoch": fit.epoch,
        "losses": measured.losses,
        "metrics": measured.metrics,
        "seconds": round(fit.seconds, 2),
        "peak_memory_bytes": _peak_memory(),
        "device": training.hardware(device),
        "engine": fit.engine,
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "training": TRAINING_VERSION,
        },
        "commit": commit(),
        "code": code_digest(),
        "data": {"sha256": measured.data, "official": datasets.official(spec)},
    }
    tensors = {name: tensor.clone() for name, tensor in fit.model.state_dict().items()}
    with files.whole_folder(store / spec.key, keep=True) as aside:
        with (aside / "history.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(fit.history[0]) if fit.history else ["step"])
            writer.writeheader()
            writer.writerows(fit.history)
        _save_codes(aside, measured.codes.astype(np.float32), measured.labels)
        if measured.pictures:
            np.savez_compressed(aside / "pictures.npz", **measured.pictures)  # type: ignore[arg-type]
        (aside / "weights.safetensors").write_bytes(safetensors.torch.save(tensors))
        record["files"] = {file.name: _checksum(file) for file in sorted(aside.iterdir())}
        (aside / "run.json").write_text(_sealed(record), encoding="utf-8")


def _save_codes(folder: Path, codes: NDArray, labels: NDArray) -> None:
    np.savez_compressed(folder / "embedding.npz", codes=codes, labels=labels)
