"""Decoders of the official image files: they return whole arrays, or raise one clear sentence.

Pixels are uint8, grey (n, H, W) or colour (n, 3, H, W); labels are int64 (n,).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from isoae_lib.errors import InputError

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int64]
Decoded = tuple[Pixels, Labels, str]  # and a checksum of the content

COIL_OBJECTS, COIL_POSES, COIL_SIDE = 20, 72, 128
CIFAR_BATCHES = {
    "train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
    "test": ("test_batch.bin",),
}
CIFAR_FOLDER = "cifar-10-batches-bin"
CIFAR_ROW, CIFAR_ROWS, CIFAR_CLASSES = 1 + 3 * 32 * 32, 10_000, 10
CELEBA_FOLDER = "img_align_celeba"
CELEBA_CROP = 140 / 178  # of the width, in the middle: the face without its surroundings
CELEBA_SIDE = 64


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `file` is read into one sentence that names it."""
    try:
        yield
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{file} is not there.") from None
    except (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise InputError(f"{file} is damaged or cut short ({_short(error)}).") from None
    except (OSError, ValueError, SyntaxError, NotImplementedError, RuntimeError) as error:
        # what zipfile and Pillow raise for broken content
        raise InputError(f"{file} cannot be read ({_short(error)}).") from None


def _short(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def idx(file: Path, rank: int) -> tuple[NDArray[np.uint8], str]:
    """Decode an IDX file of unsigned bytes, gzipped or not; return the array and its bytes' MD5.

    Raises
    ------
    InputError
        If the magic number, the sizes or the length do not agree.
    """
    with reading(file), file.open("rb") as raw:
        packed = file.suffix == ".gz"
        content = cast(IO[bytes], gzip.GzipFile(fileobj=raw)) if packed else raw
        head = content.read(4 + 4 * rank)
        if not head:
            raise EOFError("it is empty")
        if head[:4] != bytes([0, 0, 8, rank]):
            raise InputError(f"{file} begins with {head[:4].hex()}: it is no IDX file of bytes"
                             f" in {rank} dimensions.")  # fmt: skip
        if len(head) < 4 + 4 * rank:
            raise EOFError("the sizes are missing")
        shape = struct.unpack(f">{rank}I", head[4:])
        size = int(np.prod(shape, dtype=object))
        body = _limited(content, size)
    if len(body) != size:
        much = "more" if len(body) > size else f"{len(body)} of them"
        raise InputError(f"{file} promises {size} bytes and has {much}.")
    digest = hashlib.md5(head + body, usedforsecurity=False).hexdigest()
    return np.frombuffer(body, np.uint8).reshape(shape), digest


def _limited(content: IO[bytes], size: int) -> bytes:
    """Read at most a byte more than `size`, in pieces: a false size must not ask for memory."""
    parts, left = [], size + 1
    while left and (part := content.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def labelled_idx(images: Path, labels: Path, shape: tuple[int, ...], classes: int) -> Decoded:
    """Decode images of one `shape` and their labels, 0 to `classes` - 1.

    The checksum is the MD5 of both unpacked files.

    Raises
    ------
    InputError
        If they are of different length, of another shape, or a label is no class.
    """
    pixels, first = idx(images, 3)
    values, second = idx(labels, 1)
    if len(pixels) != len(values):
        raise InputError(f"{images} has {len(pixels)} images, {labels} {len(values)} labels.")
    if pixels.shape[1:] != shape or not len(pixels):
        sides = " x ".join(map(str, shape))
        raise InputError(f"{images} has shape {pixels.shape}, not images of {sides}.")
    if values.max() >= classes:
        raise InputError(f"{labels} has the label {values.max()}: labels are 0 to {classes - 1}.")
    return pixels, values.astype(np.int64), f"{first} {second}"


def inside(file: Path, names: Iterable[str]) -> None:
    """Refuse an archive with a path that climbs out of its folder."""
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name:
            raise InputError(f"{file} has the path '{name}', which climbs out of its folder.")


def coil20(file: Path) -> Decoded:
    """Decode COIL-20's zip: pixels (1440, 128, 128), objects then poses; objects.

    The checksum is the SHA-256 of the pixels, since copies are packed in different ways.

    Raises
    ------
    InputError
        If an image is missing, doubled or of another kind.
    """
    pixels = np.empty((COIL_OBJECTS * COIL_POSES, COIL_SIDE, COIL_SIDE), np.uint8)
    with reading(file), zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        inside(file, names)
        found = [PurePosixPath(name).name for name in names if name.endswith(".png")]
        wanted = [f"obj{o}__{p}.png" for o in range(1, COIL_OBJECTS + 1) for p in range(COIL_POSES)]
        if sorted(found) != sorted(wanted):
            lacking = sorted(set(wanted) - set(found))
            what = f"lacks {lacking[0]}" if lacking else "has images that COIL-20 has not"
            raise InputError(f"{file} {what}: it is not COIL-20 (processed).")
        member = {PurePosixPath(name).name: name for name in names}
        for k, name in enumerate(wanted):
            image = _picture(file, name, archive.read(member[name]))
            if image.mode != "L" or image.size != (COIL_SIDE, COIL_SIDE):
                raise InputError(f"{file}: {name} is {image.mode} of {image.size}, not grey 128.")
            pixels[k] = np.asarray(image)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return pixels, np.repeat(np.arange(COIL_OBJECTS), COIL_POSES), digest


def _picture(file: Path, name: str, content: bytes) -> Any:
    """Decode a picture completely; what Pillow says of a broken one becomes a sentence."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(content), formats=["PNG", "JPEG"])
        image.load()
    except Exception as error:  # Pillow's decoders raise nearly anything
        raise InputError(f"{file}: {name} is no whole picture ({_short(error)}).") from None
    return image


def cifar10(source: Path, part: str) -> tuple[Pixels, Labels]:
    """Decode CIFAR-10's batches, from the official archive or unpacked, to (n, 3, 32, 32).

    Raises
    ------
    InputError
        If a batch is missing or does not have its 10,000 rows of label and pixels.
    """
    batches = _cifar_batches(source, part)
    rows = []
    for name in CIFAR_BATCHES[part]:
        if name not in batches:
            raise InputError(f"{source} lacks {name}.")
        if len(batches[name]) != CIFAR_ROWS * CIFAR_ROW:
            raise InputError(f"{source}: {name} does not have {CIFAR_ROWS} rows of {CIFAR_ROW}.")
        rows.append(np.frombuffer(batches[name], np.uint8).reshape(CIFAR_ROWS, CIFAR_ROW))
        if rows[-1][:, 0].max() >= CIFAR_CLASSES:
            raise InputError(
                f"{source}: {name} has the label {rows[-1][:, 0].max()}: labels are 0 to 9."
            )
    table = np.concatenate(rows)
    return table[:, 1:].reshape(-1, 3, 32, 32), table[:, 0].astype(np.int64)


def _cifar_batches(source: Path, part: str) -> dict[str, bytes]:
    """Return the content of a part's batches by file name, those that are there."""
    size, batches = CIFAR_ROWS * CIFAR_ROW, {}
    if source.is_dir():
        for name in CIFAR_BATCHES[part]:
            with reading(source / name), (source / name).open("rb") as content:
                batches[name] = _limited(content, size)
        return batches
    with reading(source), tarfile.open(source) as archive:
        for member in archive:
            inside(source, [member.name])
            name = PurePosixPath(member.name).name
            packed = archive.extractfile(member) if name in CIFAR_BATCHES[part] else None
            if packed is not None:
                batches[name] = _limited(packed, size)
    return batches


def celeba(source: Path, target: Path) -> Pixels:
    """Crop and shrink the faces of a folder or a zip to `target`, (n, 3, 64, 64), mapped.

    One picture is in memory at a time. The result is kept beside `target`, and used again while the
    pictures have the same names and sizes.

    Raises
    ------
    InputError
        If there is no picture, or a damaged one.
    """
    from numpy.lib.format import open_memmap

    with reading(source), _faces(source) as faces:
        if not faces:
            raise InputError(f"{source} has no pictures.")
        state = "\n".join(f"{name} {size}" for name, (size, _) in sorted(faces.items()))
        mark = hashlib.sha256(state.encode()).hexdigest()[:12]
        ready = target.with_name(f"{target.name}-{mark}.npy")
        if not ready.exists():
            ready.parent.mkdir(parents=True, exist_ok=True)
            aside = ready.with_name(f".{ready.name}.{os.getpid()}.writing")
            try:
                shape = (len(faces), 3, CELEBA_SIDE, CELEBA_SIDE)
                array = open_memmap(aside, "w+", np.uint8, shape)
                for k, (name, (_, content)) in enumerate(sorted(faces.items())):
                    array[k] = _face(_picture(source, name, content()).convert("RGB"))
                array.flush()
                aside.rename(ready)
            finally:
                aside.unlink(missing_ok=True)
        return cast(Pixels, np.load(ready, mmap_mode="r"))


@contextmanager
def _faces(source: Path) -> Iterator[dict[str, tuple[int, Callable[[], bytes]]]]:
    """Give by name the size of each picture of a folder or a zip, and what returns its content."""
    if source.is_dir():
        yield {file.name: (file.stat().st_size, file.read_bytes) for file in source.glob("*.jpg")}
        return
    with zipfile.ZipFile(source) as archive:
        inside(source, archive.namelist())
        members = [member for member in archive.infolist() if not member.is_dir()]
        yield {m.filename: (m.file_size, partial(archive.read, m)) for m in members}


def _face(image: Any) -> Pixels:
    """Crop the middle square of a face, 140 of 178 columns wide, and shrink it to 64 x 64."""
    from PIL import Image

    side = CELEBA_CROP * image.width
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    small = image.resize((CELEBA_SIDE, CELEBA_SIDE), Image.Resampling.BOX, box)
    return np.asarray(small).transpose(2, 0, 1)
