"""Points from wherever they are give the same fit; what cannot be learnt from is one sentence."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch
from own_points import gutter
from scipy import sparse
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from isoae_lib import IsometricAutoencoder
from isoae_lib.core.inputs import rows_of
from isoae_lib.core.scaling import Source, held_out, scaling_of
from isoae_lib.errors import InputError

TINY = {"hidden": (16,), "steps": 20, "batch_size": 32, "random_state": 0}
POINTS = gutter(300, 0)[0]


@pytest.fixture(scope="module")
def codes():
    torch.manual_seed(0)
    return IsometricAutoencoder(**TINY).fit_transform(POINTS)


class Pairs(Dataset):
    """A data set of points with a class each, as PyTorch's own."""

    def __len__(self):
        return len(POINTS)

    def __getitem__(self, k):
        return torch.tensor(POINTS[k]), k % 2


def memory_mapped(folder):
    np.save(folder / "points.npy", POINTS)
    return np.load(folder / "points.npy", mmap_mode="r")


def copy_on_write(folder):
    mapped = (
        np.load(folder / "points.npy", mmap_mode="c")
        if (folder / "points.npy").exists()
        else np.load(memory_mapped(folder).filename, mmap_mode="c")
    )
    mapped[0, 0] += 0
    return mapped


KINDS = {
    "table": lambda folder: pd.DataFrame(POINTS),
    "column-major": lambda folder: np.asfortranarray(POINTS),
    "big-endian": lambda folder: POINTS.astype(">f8"),
    "read-only": lambda folder: np.broadcast_to(POINTS, POINTS.shape),
    "list": lambda folder: POINTS.tolist(),
    "memory-mapped": memory_mapped,
    "a part of a file": lambda folder: memory_mapped(folder)[:],
    "changed in memory": copy_on_write,
    "sparse": lambda folder: sparse.csr_array(POINTS),
    "sparse by columns": lambda folder: sparse.csc_matrix(POINTS),
    "tensor": lambda folder: torch.tensor(POINTS),
    "tensor with gradients": lambda folder: torch.tensor(POINTS, requires_grad=True),
    "data set": lambda folder: Pairs(),
    "loader": lambda folder: DataLoader(Pairs(), batch_size=7, shuffle=True),
    "loader of tensors": lambda folder: DataLoader(TensorDataset(torch.tensor(POINTS))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_points_give_the_same_codes_wherever_they_are(kind, codes, tmp_path):
    X = KINDS[kind](tmp_path)
    found = IsometricAutoencoder(**TINY).fit(X).transform(X)
    assert isinstance(found, torch.Tensor) == isinstance(X, torch.Tensor)
    assert np.array_equal(np.asarray(found), codes)


def test_polars_tables_are_read(codes):
    polars = pytest.importorskip("polars")
    table = polars.DataFrame(POINTS, schema=["x", "y", "z"])
    model = IsometricAutoencoder(**TINY)
    assert np.array_equal(model.fit_transform(table), codes)
    assert list(model.feature_names_in_) == ["x", "y", "z"]
    assert model.set_output(transform="polars").transform(table).shape == (300, 2)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_codes_have_the_precision_of_the_points(kind):
    points = POINTS.astype(kind)
    model = IsometricAutoencoder(**TINY).fit(points)
    for found in (model.transform(points), model.reconstruct(points)):
        assert found.dtype == kind
    assert model.transform(torch.tensor(points)).dtype == torch.tensor(points).dtype


def test_points_far_from_the_origin_lose_no_digits():
    far = POINTS + 1e7
    found = [IsometricAutoencoder(**TINY).fit_transform(points) for points in (POINTS, far)]
    assert found[1] == pytest.approx(found[0], abs=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_tensors_stay_on_their_device():
    points = torch.tensor(POINTS, device="cuda", dtype=torch.float32)
    found = IsometricAutoencoder(**TINY).fit(points).transform(points)
    assert found.device.type == "cuda"


def test_points_held_out_are_never_drawn_and_all_others_are():
    points = np.arange(40.0).reshape(20, 2)
    rows = rows_of(points)
    unseen = held_out(20, 0.25, seed=0)
    source = Source(rows, scaling_of(rows), unseen, torch.device("cpu"))
    assert len(source) == 15 and source.shape == (15, 2)
    drawn = source[torch.arange(15)]
    assert torch.equal(drawn, source[:]) and torch.equal(drawn, source.in_memory())
    seen = np.delete(np.arange(20), unseen)
    assert torch.equal(drawn, source.at(seen))


@pytest.mark.parametrize("scale", ["global", "columns"])
def test_scaled_points_have_a_mean_square_of_1_and_come_back(scale):
    points = POINTS * [1, 10, 100] + [0, 5, 1e6]
    rows = rows_of(points)
    scaling = scaling_of(rows, scale)
    scaled = scaling.scaled(torch.tensor(points))
    assert scaled.square().sum(1).mean() == pytest.approx(1)
    assert scaled.mean(0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert scaling.undone(scaled).numpy() == pytest.approx(points)
    if scale == "global":
        apart = torch.pdist(scaled)[:50] * scaling.of_codes
        assert apart == pytest.approx(torch.pdist(torch.tensor(points))[:50])
    else:
        assert scaled.square().mean(0) == pytest.approx(np.full(3, 1 / 3))


def test_the_scale_is_the_same_in_however_many_parts_points_are_read(monkeypatch):
    whole, digest = scaling_of(rows_of(POINTS)), rows_of(POINTS).digest()
    monkeypatch.setattr("isoae_lib.core.inputs.NUMBERS_AT_ONCE", 21)
    parts = scaling_of(rows_of(POINTS))
    assert parts.mean == pytest.approx(whole.mean) and parts.unit == pytest.approx(whole.unit)
    assert rows_of(POINTS).digest() == digest != rows_of(POINTS[::-1]).digest()


def test_constant_columns_play_no_part():
    points = np.column_stack([POINTS, np.full(len(POINTS), 0.1)])
    for scale in ("global", "columns"):
        model = IsometricAutoencoder(**TINY, scale=scale).fit(points)
        assert np.isfinite(model.transform(points)).all()
        assert np.isfinite(model.scaling_.unit).all()


def broken(value):
    points = POINTS.copy()
    points[17, 1] = value
    return points


WRONG = {
    "NaN": (broken(np.nan), "row 17 of the points holds a NaN or an infinity, first in column 1"),
    "infinity": (broken(np.inf), "row 17 of the points"),
    "a named column": (pd.DataFrame(broken(np.nan), columns=["x", "y", "z"]), "in column 'y'"),
    "a tensor": (torch.tensor(broken(np.nan)), "row 17 of the points"),
    "sparse": (sparse.csr_array(broken(np.nan)), "row 17 of the points"),
    "one column": (POINTS[:, :1], "n_features = 1"),
    "fewer points than latents": (POINTS[:2], "n_samples = 2 points are too few"),
    "one point": (POINTS[:1], "minimum of 2 is required"),
    "equal points": (np.ones((20, 3)), "the 20 points are all the same"),
    "text": (pd.DataFrame({"x": [1.0, 2, 3], "city": list("abc")}), "could not convert string"),
    "a list of one number each": (POINTS[:, 0], "Expected 2D array"),
    "complex numbers": (POINTS * 1j, "Complex data not supported"),
    "a complex tensor": (torch.tensor(POINTS * 1j), "real (n, D) is needed"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_cannot_be_learnt_from_is_one_sentence(kind):
    X, says = WRONG[kind]
    with pytest.raises(ValueError, match=re.escape(says)):
        IsometricAutoencoder(**TINY).fit(X)


def test_a_stream_is_refused():
    class Stream(IterableDataset):
        def __iter__(self):
            yield torch.zeros(3)

    with pytest.raises(InputError, match="can only be read from its beginning"):
        IsometricAutoencoder(**TINY).fit(DataLoader(Stream()))


def test_new_points_must_be_like_those_of_the_fit(codes):
    model = IsometricAutoencoder(**TINY).fit(POINTS)
    for X in (POINTS[:, :2], torch.tensor(POINTS[:, :2])):
        with pytest.raises(ValueError, match="X has 2 features, but IsometricAutoencoder is expec"):
            model.transform(X)
    with pytest.raises(InputError, match="row 17"):
        model.transform(broken(np.nan))
    with pytest.raises(InputError, match="codes have 2 columns here, and not 3"):
        model.inverse_transform(POINTS)
