"""Downloads of the image data sets from their mirrors: resumed, checked, then in the data folder.

Nothing enters the data folder before its content is proven to be official. Each mirror is asked for
the whole data set, and the next one if it gives something else. Interrupted downloads resume, but a
file that one mirror began is never continued from another.
"""

from __future__ import annotations

import shutil
from http import HTTPStatus
from pathlib import Path

from isoae_lib.errors import InputError
from isoae_lib.paper.data import images

WAIT = 30.0  # seconds for a server to answer
CHUNK = 1 << 16  # bytes; at most this much is lost when a connection breaks


class _Refused(Exception):  # noqa: N818
    """What is wrong with a mirror. The text ends a sentence that begins with its address."""


def fetch(name: str) -> Path:
    """Download a data set into the data folder, unless it is there; return its folder.

    Raises
    ------
    InputError
        If the data set is not to be downloaded, no mirror has its official content, or the disk is
        full. The data folder is then as it was.
    """
    data_set, folder = images.DATA_SETS[name], images.folder() / name
    if data_set.package:
        raise InputError(
            f"{name} comes with the package {data_set.package}: there is nothing to fetch."
        )
    if not data_set.mirrors:
        raise InputError(
            f"{data_set.title} is given out by hand: agree to its terms at {data_set.page} and put "
            f"{' and '.join(data_set.files)} into {folder}."
        )
    if images.state(name) == "official":
        return folder
    waiting = images.folder() / ".downloads" / name
    try:
        complete = _from_first(name, waiting)
        folder.mkdir(parents=True, exist_ok=True)
        for file in data_set.files:
            (complete / file).replace(folder / file)
        shutil.rmtree(waiting)
    except OSError as error:
        shutil.rmtree(waiting, ignore_errors=True)
        raise InputError(f"{waiting} cannot be written: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        raise InputError(f"{name} was interrupted; the same command goes on from there.") from None
    return folder


def _from_first(name: str, waiting: Path) -> Path:
    """Return a folder with the data set, downloaded from the first mirror that has it."""
    data_set, failures = images.DATA_SETS[name], []
    for number, mirror in enumerate(data_set.mirrors):
        folder = waiting / str(number) / name
        try:
            _from_mirror(mirror, name, folder)
            return folder
        except _Refused as reason:
            failures.append(f"{mirror} {reason}")
    raise InputError(f"{data_set.title} cannot be downloaded: {'; '.join(failures)}.")


def _from_mirror(mirror: str, name: str, folder: Path) -> None:
    """Download a data set from one mirror and prove it; wrong content is deleted."""
    import requests
    import urllib3

    resumed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for file in images.DATA_SETS[name].files:
            if not (folder / file).exists():
                _download(mirror + file, folder / file)
    except requests.TooManyRedirects:
        raise _Refused("redirects without end") from None
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise _Refused("does not answer in time") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError):
        raise _Refused("cannot be reached, or breaks off") from None
    try:
        official = images.is_official(name, folder)
    except InputError:  # its message names a file that is about to be deleted
        official = False
    if official:
        return
    shutil.rmtree(folder)
    if not resumed:
        raise _Refused("gives something else than the official content")
    _from_mirror(mirror, name, folder)  # perhaps only what was there before was wrong


def _download(url: str, target: Path) -> None:
    """Download one file, continuing a part that is there, with a progress bar.

    Bytes are kept as they are sent: some servers declare a packed file to be packed for transport.
    """
    import requests
    from tqdm import tqdm

    partial = target.with_name(f"{target.name}.part")
    there = partial.stat().st_size if partial.exists() else 0
    head = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
    with requests.get(url, headers=head, stream=True, timeout=WAIT) as answer:
        follows = answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
        continues = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        beyond = answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if there and (beyond or (continues and not follows)):
            partial.unlink()
            _download(url, target)
            return
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise _Refused(f"answers with status {answer.status_code}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise _Refused("answers with a web page")
        there = there if continues else 0
        length = answer.headers.get("Content-Length", "")
        size = there + int(length) if length.isdigit() else 0
        with (
            partial.open("ab" if there else "wb") as stream,
            tqdm(total=size or None, initial=there, desc=target.name, unit="B", unit_scale=True)
            as bar,
        ):  # fmt: skip
            for content in answer.raw.stream(CHUNK, decode_content=False):
                stream.write(content)
                bar.update(len(content))
    if size and partial.stat().st_size != size:
        raise requests.ConnectionError("cut short")
    partial.replace(target)
