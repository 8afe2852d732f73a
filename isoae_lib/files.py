"""The project's folder, and functions that write a file or a folder as a whole, or not at all.

Content reaches the disk before it is renamed. So a power cut leaves the old content or the new.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from isoae_lib.errors import InputError

MARK = "notebooks/01_theory.py"  # the project's folder has this file
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
    """Turn a full or read-only disk into one sentence: `what` cannot be written.

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
    """Write the new content of `file` beside it and flush it to the disk; return that path.

    Text is written as UTF-8. A missing folder is made.
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
    """Yield the unfinished files beside `file`, of running and of killed processes."""
    return file.parent.glob(f".{glob.escape(file.name)}.*.writing")


def write_whole(file: Path, content: str | bytes) -> None:
    """Write a file. After any interruption it has the old content or the new.

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
    """Give an empty folder to fill, which then replaces `folder`.

    If filling it fails, nothing changes. Only one process at a time may write a folder.

    Parameters
    ----------
    folder : Path
        The folder to replace.
    keep : bool
        Whether the replaced folder stays beside it, under a hidden name.

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


def _free(path: Path) -> Path:
    """Return `path`, with a number appended if it exists."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(1))
    return next(free for free in chain([path], numbered) if not free.exists())


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
