"""Parcels: records and checkpoints of a store as small files, which another store takes in."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import safetensors
from filelock import Timeout
from safetensors import SafetensorError

from isoae_lib import files
from isoae_lib.core import checkpoints
from isoae_lib.errors import InputError
from isoae_lib.paper import records, runs
from isoae_lib.paper.provenance import TRAINING, code_digest
from isoae_lib.paper.records import Run
from isoae_lib.paper.specs import RunSpec

LARGEST, TOGETHER = 16_000_000, 60_000_000  # bytes of a parcel, and of all in a folder

REFUSED = "refused"


class Refused(Exception):  # noqa: N818
    """A parcel that a store does not take in, and why."""


def send(specs: Iterable[RunSpec], store: Path, out: Path) -> list[str]:
    """Write the records of runs as parcels, then the checkpoints of runs that are not finished.

    The networks of a record are left out where it would be too large with them. The record's
    parcel stays if it is there already; a checkpoint's is written anew.

    Returns
    -------
    list of str
        The names of the parcels that there was no room for.

    Raises
    ------
    InputError
        If a parcel cannot be written.
    """
    left_out = []
    for spec in specs:
        file = out / f"{spec.key}.tar"
        if not file.exists() and (run := runs.find(spec, store)):
            beside = list(out.glob("*.tar"))
            contents = (_packed(run, networks) for networks in (True, False))
            if content := next((c for c in contents if _fits(c, beside)), None):
                files.write_whole(file, content)
            else:
                left_out.append(file.name)
    sent = list(out.glob("*.tar"))
    _clear_finished(store)
    newest = sorted(store.glob(".*.checkpoint"), key=_written_at, reverse=True)
    for checkpoint in newest:
        file = out / checkpoint.name.removeprefix(".")
        with suppress(FileNotFoundError):  # its run has just ended, or replaces it
            if _fits(content := checkpoint.read_bytes(), sent):
                files.write_whole(file, content)
                sent.append(file)
            else:
                left_out.append(file.name)
    for file in {*out.glob("*.checkpoint")} - {*sent}:
        file.unlink()  # its run is finished, or there is no room for it
    return left_out


def _clear_finished(store: Path) -> None:
    """Delete checkpoints of finished runs: a kill left them, or the records came from elsewhere."""
    for checkpoint in store.glob(".*.checkpoint"):
        keys, _ = _whose(_identity(checkpoint))
        with suppress(Timeout), _held(keys, store):
            if keys and _finished(keys, store):
                checkpoints.clear(checkpoint)


def _finished(keys: Sequence[str], store: Path) -> bool:
    return all(runs.find_key(key, store) for key in keys)


def _written_at(file: Path) -> float:
    return file.stat().st_mtime if file.exists() else 0.0


def _fits(content: bytes, beside: Iterable[Path]) -> bool:
    together = len(content) + sum(file.stat().st_size for file in beside)
    return len(content) <= LARGEST and together <= TOGETHER


def _packed(run: Run, networks: bool) -> bytes:
    """Return a record as a tar file, with its networks or without."""
    record, kept = run.record, dict(run.record["files"])
    if not networks and kept.pop(records.WEIGHTS, None):
        record = record | {"weights": run.weights_checksum, "files": kept}
    content = {name: (run.folder / name).read_bytes() for name in kept}
    content["run.json"] = records.sealed(record).encode()
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in sorted(content.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def merge(folder: Path, store: Path) -> Iterator[tuple[str, str]]:
    """Put the parcels of a folder into a store; yield each one's name, and what became of it.

    Each record is read and checked before it is there, whole. A record that is in the store
    already stays. A checkpoint takes the place of an earlier one of the same training.

    Raises
    ------
    InputError
        If the folder has no parcels, or the store cannot be written to.
    """
    parcels = [*sorted(folder.glob("*.tar")), *sorted(folder.glob("*.checkpoint"))]
    if not parcels:
        raise InputError(f"{folder} has no parcels: give the folder that --out wrote.")
    with files.writing(f"the store {store}"):
        store.mkdir(parents=True, exist_ok=True)
    for parcel in parcels:
        take = _take_record if parcel.suffix == ".tar" else _take_checkpoint
        try:
            yield parcel.name, take(parcel, store)
        except Timeout:
            yield parcel.name, f"{REFUSED}: its run is being trained here"
        except Refused as reason:
            yield parcel.name, f"{REFUSED}: {reason}"


def _take_record(parcel: Path, store: Path) -> str:
    """Put a record into a store; say what became of it."""
    try:
        with tarfile.open(parcel) as tar:
            opened = {member.name: tar.extractfile(member) for member in tar}
            content = {name: stream.read() for name, stream in opened.items() if stream}
        spec = RunSpec(**json.loads(content["run.json"])["spec"])
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError):
        raise Refused("it is damaged") from None
    if spec.key != parcel.stem or any(Path(name).name != name for name in content):
        raise Refused("it is damaged")
    with _held([spec.key], store):
        if runs.find(spec, store):
            return "there already"
        with files.whole_folder(store / spec.key, keep=True) as aside:
            for name, data in content.items():
                (aside / name).write_bytes(data)
            try:
                run = records.read(aside)
            except InputError:
                raise Refused("it is damaged") from None
            if run.record["code"] != code_digest(*TRAINING):
                raise Refused("other code trained it")
    return "merged"


def _take_checkpoint(parcel: Path, store: Path) -> str:
    """Put a checkpoint into a store; say what became of it."""
    arrived = _state(parcel)
    if arrived is None:
        raise Refused("it is damaged")
    identity, step = arrived
    keys, code = _whose(identity)
    if code != code_digest(*TRAINING):
        raise Refused("other code trained it")
    target = runs.checkpoint_of(keys, store)
    with _held(keys, store):
        here = _state(target) if target.exists() else None
        if _finished(keys, store) or (here and (here[0] != identity or here[1] >= step)):
            return "there already"
        files.write_whole(target, parcel.read_bytes())
    return "merged"


def _state(file: Path) -> tuple[str, int] | None:
    """Return whose state a checkpoint is, and after which step; None if it is damaged."""
    identity = _identity(file)
    found = checkpoints.load(file, identity) if identity else None
    return (identity, found[1]["step"]) if found else None


def _identity(file: Path) -> str:
    """Return whose state a checkpoint is; "" if that cannot be read."""
    try:
        with safetensors.safe_open(file, framework="pt") as content:
            return str(json.loads(content.metadata()["values"])["identity"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return ""


def _whose(identity: str) -> tuple[list[str], str]:
    """Return the keys of the runs of a checkpoint, and the code that trains them."""
    words = identity.split()
    return words[:-2:2], "".join(words[-2:-1])  # each key is followed by the digest of its data


@contextmanager
def _held(keys: Sequence[str], store: Path) -> Iterator[None]:
    """Hold the locks of runs; raise a `Timeout` where another process trains one of them."""
    with ExitStack() as held:
        for key in sorted(keys):
            held.enter_context(runs.lock_of(key, store).acquire(timeout=0))
        yield
