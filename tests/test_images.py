"""Image files: the official layouts decode to the right array, and damage never to a wrong one."""

from __future__ import annotations

import gzip
import io
import shutil
import struct
import tarfile
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from isoae_lib.errors import InputError
from isoae_lib.paper.data import decoding, images

N = 40
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (N, 28, 28), dtype=np.uint8)
LABELS = RNG.integers(0, 10, N).astype(np.uint8)
IMAGES, CLASSES = images.DATA_SETS["mnist"].parts["train"].files
COIL20_FILE, CIFAR10_FILE = (images.DATA_SETS[name].files[0] for name in ("coil20", "cifar10"))


def idx(array):
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def packed(content):
    return gzip.compress(content, mtime=0)


def make_official(monkeypatch, name, **checksums):
    """Let parts of a data set be official if they have these checksums."""
    known = images.DATA_SETS[name]
    parts = {part: replace(known.parts[part], checksum=sum_) for part, sum_ in checksums.items()}
    monkeypatch.setitem(images.DATA_SETS, name, replace(known, parts=known.parts | parts))


@pytest.fixture
def mnist(data):
    folder = data / "fashion-mnist"
    folder.mkdir(parents=True)
    (folder / IMAGES).write_bytes(packed(idx(PIXELS)))
    (folder / CLASSES).write_bytes(packed(idx(LABELS)))
    return folder


def test_idx_files_packed_and_not(mnist):
    found = images.load("fashion-mnist")
    assert np.array_equal(found.pixels, PIXELS) and np.array_equal(found.labels, LABELS)
    assert found.pixels.dtype == np.uint8 and not found.official
    for name, array in ((IMAGES, PIXELS), (CLASSES, LABELS)):
        (mnist / name).unlink()
        (mnist / name.removesuffix(".gz")).write_bytes(idx(array))
    assert np.array_equal(images.load("fashion-mnist").pixels, PIXELS)


def test_what_is_not_official_is_refused_unless_allowed(mnist, monkeypatch):
    monkeypatch.delenv("ISOAE_ALLOW_UNVERIFIED")
    with pytest.raises(InputError, match="not the official Fashion-MNIST: get that with `isoae"):
        images.load("fashion-mnist")
    found = decoding.labelled_idx(mnist / IMAGES, mnist / CLASSES, (28, 28), 10)[2]
    make_official(monkeypatch, "fashion-mnist", train=found)
    assert images.load("fashion-mnist").official
    make_official(monkeypatch, "fashion-mnist", train=f"{found.split()[0]} {'0' * 32}")
    assert images.state("fashion-mnist") != "official"
    with pytest.raises(InputError, match="not the official"):
        images.load("fashion-mnist")


def damaged(content, at, bit=0):
    content = bytearray(content)
    content[at] ^= 1 << bit
    return bytes(content)


GOOD_IMAGES, GOOD_LABELS = packed(idx(PIXELS)), packed(idx(LABELS))
IDX_DAMAGES = {
    "empty": (IMAGES, b""),
    "cut in the header": (IMAGES, GOOD_IMAGES[:5]),
    "cut in the middle": (IMAGES, GOOD_IMAGES[: len(GOOD_IMAGES) // 2]),
    "cut before the checksum": (IMAGES, GOOD_IMAGES[:-8]),
    "cut by one byte": (IMAGES, GOOD_IMAGES[:-1]),
    "labels cut": (CLASSES, GOOD_LABELS[:-9]),
    "a bit of the content": (IMAGES, damaged(GOOD_IMAGES, len(GOOD_IMAGES) // 2)),
    "a bit of the checksum": (IMAGES, damaged(GOOD_IMAGES, -6)),
    "no gzip at all": (IMAGES, b"<html>404 not found</html>"),
    "not packed, by its name packed": (IMAGES, idx(PIXELS)),
    "wrong magic number": (IMAGES, packed(b"\0\0\x0d\x03" + idx(PIXELS)[4:])),
    "labels for images": (IMAGES, GOOD_LABELS),
    "images for labels": (CLASSES, GOOD_IMAGES),
    "one image too few": (IMAGES, packed(idx(PIXELS[:-1]))),
    "one image too many": (IMAGES, packed(idx(np.concatenate([PIXELS, PIXELS[:1]])))),
    "one label too many": (CLASSES, packed(idx(np.append(LABELS, np.uint8(1))))),
    "promises more": (IMAGES, packed(idx(PIXELS)[:-1])),
    "promises less": (IMAGES, packed(idx(PIXELS) + b"\0")),
    "promises beyond all memory": (IMAGES, packed(idx(PIXELS)[:4] + b"\xff" * 12)),
    "only the magic number": (IMAGES, packed(idx(PIXELS)[:4])),
    "no images": (IMAGES, packed(idx(PIXELS[:0]))),
    "of another size": (IMAGES, packed(idx(PIXELS[:, :27]))),
    "a label that is no class": (CLASSES, packed(idx(LABELS + np.uint8(10 - LABELS.max())))),
}


@pytest.mark.parametrize("damage", IDX_DAMAGES)
def test_a_damaged_idx_file_is_one_sentence(damage, mnist):
    name, content = IDX_DAMAGES[damage]
    (mnist / name).write_bytes(content)
    before = sorted(mnist.rglob("*"))
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as error:
        images.load("fashion-mnist")
    assert "\n" not in str(error.value) and str(error.value).endswith(".")
    assert sorted(mnist.rglob("*")) == before


def test_a_missing_file_or_folder(mnist, data):
    (mnist / CLASSES).unlink()
    with pytest.raises(InputError, match=f"{CLASSES} is not there"):
        images.load("fashion-mnist")
    with pytest.raises(InputError, match="get it with `isoae data fetch mnist`"):
        images.load("mnist")
    (mnist / CLASSES).mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        images.load("fashion-mnist")
    with pytest.raises(InputError, match="unknown data set 'mnits': did you mean mnist"):
        images.load("mnits")


@given(st.integers(0, len(GOOD_IMAGES) - 1), st.integers(0, 7))
def test_a_flipped_bit_never_gives_a_wrong_array(at, bit):
    file = Path("flipped.gz")
    with pytest.MonkeyPatch.context() as patch:
        content = damaged(GOOD_IMAGES, at, bit)
        patch.setattr(Path, "open", lambda self, mode: io.BytesIO(content))
        try:
            array, _ = decoding.idx(file, 3)
        except InputError as error:
            assert "flipped.gz" in str(error)
        else:
            assert np.array_equal(array, PIXELS)


def png(array):
    content = io.BytesIO()
    Image.fromarray(array).save(content, "PNG", compress_level=1)
    return content.getvalue()


def views():
    """Small stand-ins for COIL-20's pictures: each says who it is in its first two pixels."""
    for o in range(1, 21):
        for p in range(72):
            array = np.zeros((128, 128), np.uint8)
            array[0, :2] = o, p
            yield f"coil-20-proc/obj{o}__{p}.png", array


def write_zip(file, pictures):
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in pictures:
            archive.writestr(name, content)


@pytest.fixture(scope="module")
def coil(tmp_path_factory):
    pictures = {name: png(array) for name, array in views()}
    return pictures


@pytest.fixture
def coil_file(data, coil):
    (data / "coil20").mkdir(parents=True)
    return data / "coil20" / COIL20_FILE


def test_coil20_comes_in_the_order_of_objects_and_poses(coil, coil_file):
    write_zip(coil_file, sorted(coil.items(), reverse=True))
    found = images.load("coil20")
    assert found.pixels.shape == (1440, 128, 128) and not found.official
    assert np.array_equal(found.pixels[:, 0, 0], np.repeat(np.arange(1, 21), 72))
    assert np.array_equal(found.pixels[:, 0, 1], np.tile(np.arange(72), 20))
    assert np.array_equal(found.labels, np.repeat(np.arange(20), 72))


FIRST = "coil-20-proc/obj1__0.png"
COIL_DAMAGES = {
    "one is missing": (lambda p: p.pop(FIRST), "lacks obj1__0.png"),
    "one too many": (lambda p: p.update({"coil-20-proc/obj21__0.png": p[FIRST]}), "has not"),
    "one twice": (lambda p: p.update({"again/obj1__0.png": p[FIRST]}), "has not"),
    "one is empty": (lambda p: p.update({FIRST: b""}), "obj1__0.png is no whole picture"),
    "one is text": (lambda p: p.update({FIRST: b"hello"}), "obj1__0.png is no whole picture"),
    "one is cut": (lambda p: p.update({FIRST: p[FIRST][:-40]}), "is no whole picture"),
    "one is flipped": (
        lambda p: p.update({FIRST: damaged(p[FIRST], 60)}), "is no whole picture"),
    "one is small": (lambda p: p.update({FIRST: png(np.zeros((64, 64), np.uint8))}), "not grey"),
    "one is in colour": (
        lambda p: p.update({FIRST: png(np.zeros((128, 128, 3), np.uint8))}), "not grey 128"),
    "a path climbs out": (lambda p: p.update({"../../evil.png": b""}), "climbs out"),
    "an absolute path": (lambda p: p.update({"/etc/evil": b""}), "climbs out"),
    "a path climbs out backwards": (lambda p: p.update({"..\\evil": b""}), "climbs out"),
    "nothing inside": (lambda p: p.clear(), "lacks obj10__0.png"),
}  # fmt: skip


@pytest.mark.parametrize("damage", COIL_DAMAGES)
def test_damaged_pictures_are_one_sentence(damage, coil, coil_file):
    change, message = COIL_DAMAGES[damage]
    pictures = dict(coil)
    change(pictures)
    write_zip(coil_file, pictures.items())
    with pytest.raises(InputError, match=message) as sentence:
        images.load("coil20")
    assert COIL20_FILE in str(sentence.value) and "\n" not in str(sentence.value)


def test_a_damaged_zip_is_one_sentence(coil, coil_file):
    write_zip(coil_file, coil.items())
    whole = coil_file.read_bytes()
    at = whole.index(b"obj7__30.png") + 100
    for content in (b"", b"PK", whole[:1000], whole[: len(whole) // 2], whole[:-1], whole[:-30],
                    damaged(whole, at), whole.replace(b"obj7__30", b"obj7__31", 1)):  # fmt: skip
        coil_file.write_bytes(content)
        with pytest.raises(InputError, match=COIL20_FILE):
            images.load("coil20")


ROWS = 12


@pytest.fixture
def cifar(data, monkeypatch):
    """CIFAR-10's files with few rows: the row number is in the first red, its label in front."""
    monkeypatch.setattr(decoding, "CIFAR_ROWS", ROWS)
    folder = data / "cifar10" / decoding.CIFAR_FOLDER
    folder.mkdir(parents=True)
    names = [*decoding.CIFAR_BATCHES["train"], *decoding.CIFAR_BATCHES["test"]]
    for k, name in enumerate(names):
        rows = np.zeros((ROWS, decoding.CIFAR_ROW), np.uint8)
        rows[:, 0] = np.arange(ROWS) % 10
        rows[:, 1] = k * ROWS + np.arange(ROWS)
        rows[:, 1 + 1024] = 200  # the first green pixel
        rows.tofile(folder / name)
    return folder


def test_cifar10_unpacked_and_in_its_archive(cifar):
    train, test = images.load("cifar10"), images.load("cifar10", "test")
    assert train.pixels.shape == (5 * ROWS, 3, 32, 32) and test.pixels.shape == (ROWS, 3, 32, 32)
    assert np.array_equal(train.pixels[:, 0, 0, 0], np.arange(5 * ROWS))
    assert (train.pixels[:, 1, 0, 0] == 200).all() and not train.official
    assert np.array_equal(train.labels[:ROWS], np.arange(ROWS) % 10)
    archive = cifar.parent / CIFAR10_FILE
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar, decoding.CIFAR_FOLDER)
    shutil.rmtree(cifar)
    assert np.array_equal(images.load("cifar10").pixels, train.pixels)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=CIFAR10_FILE):
        images.load("cifar10")


def test_a_damaged_cifar10_is_one_sentence(cifar):
    batch = cifar / "data_batch_3.bin"
    whole = batch.read_bytes()
    for content in (b"", whole[:-1], whole + b"\0", bytes([10]) + whole[1:]):
        batch.write_bytes(content)
        with pytest.raises(InputError, match=r"data_batch_3\.bin"):
            images.load("cifar10")
    batch.unlink()
    with pytest.raises(InputError, match=r"data_batch_3\.bin is not there"):
        images.load("cifar10")


def test_an_archive_that_climbs_out_is_refused(cifar):
    archive = cifar.parent / CIFAR10_FILE
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar / "test_batch.bin", "../test_batch.bin")
    with pytest.raises(InputError, match="climbs out of its folder"):
        images.load("cifar10", "test")
    assert not (archive.parent.parent / "test_batch.bin").exists()


def faces(folder, n):
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n):
        array = np.zeros((218, 178, 3), np.uint8)
        array[39:179, 19:159] = k  # the crop
        array[39:109, 19:159, 0] = 255  # its upper half in red
        Image.fromarray(array).save(folder / f"{k + 1:06d}.jpg", quality=100, subsampling=0)


def test_celeba_is_the_middle_of_each_picture(data):
    folder = data / "celeba" / decoding.CELEBA_FOLDER
    faces(folder, 20)
    parts = [images.load("celeba", split).pixels for split in ("train", "validation", "test")]
    assert [part.shape for part in parts] == [(n, 3, 64, 64) for n in (16, 2, 2)]
    assert isinstance(parts[0], np.memmap)
    inner = np.concatenate(parts)[:, :, 2:-2, 2:-2].astype(int)
    assert (inner[:, 0, :28] > 245).all() and (inner[:, 0, 32:] < 35).all()
    assert np.abs(inner[:, 2].mean((1, 2)) - np.arange(20)).max() < 4
    (ready,) = (data / "celeba").glob("*.npy")
    before = ready.stat().st_mtime_ns
    images.load("celeba")
    assert ready.stat().st_mtime_ns == before


def test_a_face_that_was_exchanged_is_decoded_anew(data):
    folder = data / "celeba" / decoding.CELEBA_FOLDER
    faces(folder, 10)
    first = np.array(images.load("celeba").pixels[0])
    Image.new("RGB", (178, 218), (0, 0, 255)).save(folder / "000001.jpg")
    again = images.load("celeba").pixels
    assert (first[0].max(), again[0, 0].max()) == (255, 0) and (again[0, 2] > 250).all()


def test_the_whole_of_celeba_is_cut_where_its_authors_cut_it(data, monkeypatch):
    monkeypatch.setattr(images, "CELEBA_CUTS", (9, 12))
    make_official(monkeypatch, "celeba", **dict.fromkeys(("train", "validation", "test"), ""))
    faces(data / "celeba" / decoding.CELEBA_FOLDER, 20)
    parts = [images.load("celeba", part) for part in ("train", "validation", "test")]
    assert [len(part.pixels) for part in parts] == [9, 3, 8] and all(p.official for p in parts)


def test_a_damaged_face_leaves_the_folder_as_it_was(data):
    folder = data / "celeba" / decoding.CELEBA_FOLDER
    faces(folder, 5)
    third = folder / "000003.jpg"
    third.write_bytes(third.read_bytes()[:500])
    before = sorted(data.rglob("*"))
    with pytest.raises(InputError, match=r"000003\.jpg is no whole picture"):
        images.load("celeba")
    assert sorted(data.rglob("*")) == before


def test_celeba_takes_the_same_memory_for_more_pictures(tmp_path):
    peaks = []
    for n in (10, 60):
        faces(tmp_path / str(n), n)
        tracemalloc.start()
        decoding.celeba(tmp_path / str(n), tmp_path / "out")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000  # 50 more faces are 614,400 bytes


def test_the_digits_that_are_always_there(data, monkeypatch):
    monkeypatch.delenv("ISOAE_ALLOW_UNVERIFIED")
    found = images.load("mnist-5k")
    assert found.official and found.pixels.shape == (5000, 28, 28)
    assert np.array_equal(np.bincount(found.labels), [500] * 10)
    test = images.load("mnist-5k", "test")
    assert np.array_equal(test.pixels, found.pixels[4000:])
    assert np.array_equal(test.labels, found.labels[4000:])
