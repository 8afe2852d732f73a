"""The store of training runs, and `get`, the only cache; publishing what it holds."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from isoae_lib import files
from isoae_lib.core import checkpoints, training
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT
from isoae_lib.paper import fitting, records, sections
from isoae_lib.paper.data import images
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics.rounding import for_a_picture
from isoae_lib.paper.provenance import MEASURING, TRAINING, code_digest
from isoae_lib.paper.records import Run, read
from isoae_lib.paper.specs import RunSpec
from isoae_lib.paper.terms import may_be_shown

# Published records, by what they are for: what the pages argue from; short runs that every build
# repeats; runs of other lengths, widths and settings; a few with their networks.
PUBLISHED = {kind: ROOT / "data" / kind for kind in ("runs", "canaries", "curves", "weights")}
PUBLISHED_CODES = 10_000
log = logging.getLogger(__name__)


def store_path() -> Path:
    """Return the local store: `ISOAE_STORE`, or `build/store` of the project."""
    return Path(os.environ.get("ISOAE_STORE", ROOT / "build" / "store"))


def find(spec: RunSpec, store: Path | None = None) -> Run | None:
    """Return the spec's record from the local store, if it is whole and this code trained it.

    A damaged record counts as absent, with a warning. A record of images that are not the official
    ones counts only if the same images are on this machine.
    """
    return find_key(spec.key, store)


def find_key(key: str, store: Path | None = None) -> Run | None:
    """Do what `find` does, by the key of a spec."""
    folder = (store or store_path()) / key
    if not (folder / "run.json").is_file():
        return None
    try:
        run = read(folder)
    except InputError as error:
        log.warning("%s It is trained again.", error)
        return None
    data = run.record["data"]
    usable = data["official"] or (images.unverified_allowed() and data["sha256"] == run.data.digest)
    return run if usable and run.record["code"] == code_digest(*TRAINING) else None


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
        When it returns True, the run ends with a checkpoint.

    Raises
    ------
    InputError
        If the store cannot be written to, the disk is full, or the device is not there.
    Unfinished
        If `stop` returned True.
    """
    store = store or store_path()
    return current(spec, store) or _train([spec], preset, store, device, progress, stop)[0]


def current(spec: RunSpec, store: Path | None = None) -> Run | None:
    """Return what `find` does; if other code measured it, it is measured again from its weights."""
    store = store or store_path()
    run = find(spec, store)
    if run is None or _is_measured(run):
        return run
    with _locked(spec.key, store):
        if (run := find(spec, store)) and not _is_measured(run):
            records.write(store, run.data, run.record, run.model, run.history)
        return find(spec, store)


def _is_measured(run: Run) -> bool:
    return run.record.get("measured_by") == code_digest(*MEASURING)


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
        begun = checkpoint_of([spec.key for spec in stack], store).exists()
        if begun or not any(find(spec, store) for spec in stack):
            _train(stack, preset, store, device, progress, stop)


def checkpoint_of(keys: Sequence[str], store: Path) -> Path:
    """Return where the state of a run, or of a stack of them, is kept while it is trained."""
    every = " ".join(keys)
    name = every if len(keys) == 1 else f"stack-{hashlib.sha256(every.encode()).hexdigest()[:16]}"
    return store / f".{name}.checkpoint"


def _train(
    specs: Sequence[RunSpec],
    preset: str,
    store: Path,
    device: str,
    progress: training.Progress | None,
    stop: training.Stop,
) -> list[Run]:
    """Train runs of one shape at once, under their locks, and write the missing records."""
    training.device_of(device)
    with files.writing(f"the store {store}"):
        files.write_aside(store / "writable", "").unlink()
    checkpoint = checkpoint_of([spec.key for spec in specs], store)
    with ExitStack() as held:
        for key in sorted(spec.key for spec in specs):  # else two could wait for each other
            held.enter_context(_locked(key, store))
        there = [find(spec, store) for spec in specs]
        if not all(there):
            data = [Data(spec) for spec in specs]
            fits = fitting.fits(data, device, progress, checkpoint, stop, code_digest(*TRAINING))
            for each, run, fit in zip(data, there, fits, strict=True):
                if run is None:
                    facts = records.training_facts(preset, device, fit)
                    records.write(store, each, facts, fit.model, fit.history)
            checkpoints.clear(checkpoint)
        return [run or read(store / spec.key) for spec, run in zip(specs, there, strict=True)]


def lock_of(key: str, store: Path) -> FileLock:
    """Return a run's lock: who trains the run or writes its record holds it."""
    return FileLock(store / f".{key}.lock")


@contextmanager
def _locked(key: str, store: Path) -> Iterator[None]:
    """Hold a run's lock, waiting for it; the system frees it when its owner dies."""
    lock = lock_of(key, store)
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


def published(kind: str = "runs") -> Iterator[tuple[str, Run]]:
    """Yield the published records of one kind of `PUBLISHED`, with their names, in their order."""
    top = PUBLISHED[kind]
    for folder in _folders(top, "**/run.json"):
        yield str(folder.parent.relative_to(top)), read(folder)


def load_published(name: str, seed: int = 0) -> Run:
    """Return a published run with its trained networks, by its name `section/data/method`.

    What a user wants of it: `model`, the `Autoencoder`; `codes` (n, d); `record`, what was asked
    for and measured.

    Raises
    ------
    InputError
        If no networks of this name and seed are published, with the close matches; if there are
        none at all, as where the package was installed without the project.

    Examples
    --------
    >>> run = load_published("3d/s-shape/I-AE")
    >>> run.codes.shape
    (2000, 2)
    """
    top = PUBLISHED["weights"]
    there = {str(f.relative_to(top)): f for f in _folders(top, "**/run.json")}
    if not there:
        raise InputError(f"there are no published networks in {top}: use a clone of the project.")
    return read(there[choose("published network", f"{name}/seed-{seed}", there)])


def folders(store: Path | None = None) -> list[Path]:
    """Return the folders of all records, those of the store first, then the published ones."""
    local = _folders(store or store_path(), "*/run.json")
    return local + [f for top in PUBLISHED.values() for f in _folders(top, "**/run.json")]


def _folders(top: Path, pattern: str) -> list[Path]:
    """Return folders with a record, sorted; hidden ones are unfinished, or were replaced."""
    found = sorted(file.parent for file in top.glob(pattern))
    return [folder for folder in found if not folder.name.startswith(".")]


def publish(run: Run, name: str, kind: str = "runs") -> Path:
    """Copy a run's record into the project, without its weights if it is not for "weights".

    The checksum of the weights stays. The record takes the place of the one before it only when it
    is whole. Of images in the plane, the first `PUBLISHED_CODES` codes are kept, as precisely as a
    picture needs them; longer codes are not kept. What figures draw is kept of the first seed,
    which they show, unless the terms of the data set forbid it. Weights are in single precision,
    those of images in half.

    Returns
    -------
    Path
        The record's folder in the project.

    Parameters
    ----------
    kind : str
        What it is for: one of `PUBLISHED`.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    folder = PUBLISHED[kind] / name / f"seed-{run.spec.seed}"
    with_weights = kind == "weights"
    with_figures = run.spec.seed == 0 and may_be_shown(run.spec.data)
    left_out = {
        *(() if with_weights else [records.WEIGHTS]), *(() if with_figures else records.FIGURES)
    }  # fmt: skip
    kept = {file: digest for file, digest in run.record["files"].items() if file not in left_out}
    with files.whole_folder(folder) as aside:
        for file in kept:
            shutil.copy(run.folder / file, aside)
        if run.spec.of_images:
            count = PUBLISHED_CODES if run.spec.latent == 2 else 0
            records.save_codes(aside, for_a_picture(run.codes[:count]), run.labels[:count])
            kept["embedding.npz"] = records.checksum(aside / "embedding.npz")
            if with_weights:
                records.save_weights(aside, run.model.half())
                kept[records.WEIGHTS] = records.checksum(aside / records.WEIGHTS)
        (aside / "run.json").write_text(
            records.sealed(run.record | {"weights": run.weights_checksum, "files": kept}),
            encoding="utf-8",
        )
    return folder
