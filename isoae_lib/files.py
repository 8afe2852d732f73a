"""The project's folder, and writing that leaves a whole file or folder, or none.

What is renamed into its place is on the disk before: a power cut leaves the old or the new.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from isoae_lib.errors import InputError

MARK = "notebooks/01_theory.py"  # a folder that has it is the project's
BESIDE = Path(__file__).resolve().parent.parent
# Installed as a package, the library has no project: data and records go to the current folder.
ROOT = BESIDE if (BESIDE / MARK).is_file() else Path.cwd()


def project() -> Path:
    """Return the folder of the project, with its notebooks, pages and published records.

    Raises
    ------
    InputError
        If the library was installed without it.
    """
    if not (ROOT / MARK).is_file():
        raise InputError(
            "this needs the project's folder with its notebooks and data: clone the project and "
            "run the command there."
        )
    return ROOT


@contextmanager
def writing(what: Path | str) -> Iterator[None]:
    """Say in one sentence that `what` cannot be written, when the disk is full or read-only.

    Raises
    ------
    InputError
        In place of any error of the system.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{what} cannot be written: {reason}.") from None


def write_aside(file: Path, content: str | bytes) -> Path:
    """Write what `file` shall hold beside it, down to the disk; return where it waits.

    Text is written as UTF-8. The folder is made if need be.
    """
    aside = file.with_name(f".{file.name}.{os.getpid()}.writing")  # two processes may write it
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with aside.open("wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    return aside


def asides(file: Path) -> Iterator[Path]:
    """Yield what waits beside `file`: of processes that write it, and of those that were killed."""
    return file.parent.glob(f".{glob.escape(file.name)}.*.writing")


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file: after whatever interruption, the old content is there or the new.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with writing(file):
        write_aside(file, content).replace(file)
        flush(file.parent)


@contextmanager
def whole_folder(folder: Path, keep: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill, which then takes the place of `folder`.

    If the filling fails, nothing has changed. One process at a time may write a folder.

    Parameters
    ----------
    folder : Path
        Where it ends.
    keep : bool
        Whether what was there before stays beside it, under a hidden name.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    aside, before = (folder.with_name(f".{folder.name}.{word}") for word in ("writing", "replaced"))
    with writing(folder):
        try:
            shutil.rmtree(aside, ignore_errors=True)  # of a process that was killed
            aside.mkdir(parents=True)
            yield aside
            for path in (*aside.rglob("*"), aside):
                flush(path)
            if not keep:
                shutil.rmtree(before, ignore_errors=True)
            if folder.exists():
                folder.rename(_free(before))
            aside.rename(folder)
            flush(folder.parent)
            if not keep:
                shutil.rmtree(before, ignore_errors=True)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _free(place: Path) -> Path:
    """Return `place`, or with a number behind it where it is taken."""
    names = (f"{place.name}-{number}" if number else place.name for number in count())
    return next(free for name in names if not (free := place.with_name(name)).exists())


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
