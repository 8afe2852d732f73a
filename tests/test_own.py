"""The commands for one's own points: what they write, and one sentence for what is wrong."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from own_points import gutter
from typer.testing import CliRunner

from isoae_lib import IsometricAutoencoder
from isoae_lib.cli import app
from isoae_lib.errors import InputError

POINTS = gutter(200, 0)[0]
NAMES = ["x", "y", "z"]


def isoae(*words):
    """Run the command; return what it prints, or raise what it raises."""
    done = CliRunner().invoke(app, list(map(str, words)))
    if done.exception is not None:
        raise done.exception
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Points in files of each kind, and a model that was fitted on the table."""
    folder = tmp_path_factory.mktemp("own")
    table = pl.DataFrame(POINTS, schema=NAMES).with_columns(city=pl.lit("Bonn"))
    table.write_csv(folder / "points.csv")
    table.write_parquet(folder / "points.parquet")
    table.select("z", "y", "x").write_csv(folder / "turned.csv")
    np.save(folder / "points.npy", POINTS)
    np.savetxt(folder / "bare.csv", POINTS, delimiter=",")
    isoae("fit", folder / "points.csv", "--out", folder / "model", "--columns", "x,y,z",
          "--steps", 5)  # fmt: skip
    return folder


def codes_of(file):
    return {".csv": pl.read_csv, ".parquet": pl.read_parquet}[file.suffix](file)


def test_a_model_gives_the_codes_that_the_library_gives(folder):
    model = IsometricAutoencoder.load(folder / "model")
    assert list(model.feature_names_in_) == NAMES and model.steps == 5
    wanted = model.transform(pl.DataFrame(POINTS, schema=NAMES))
    for kind in ("points.csv", "points.parquet", "turned.csv", "points.npy", "bare.csv"):
        for out in ("codes.csv", "codes.parquet"):
            printed = isoae("transform", folder / "model", folder / kind, "--out", folder / out)
            assert printed == f"{folder / out}\n"
            found = codes_of(folder / out)
            assert found.columns == list(model.get_feature_names_out())
            assert found.to_numpy() == pytest.approx(wanted)
    isoae("transform", folder / "model", folder / "points.npy", "--out", folder / "codes.npy")
    assert np.array_equal(np.load(folder / "codes.npy"), wanted)


def test_a_report_says_whether_to_trust_distances(folder):
    printed = isoae("diagnose", folder / "model", folder / "points.csv")
    assert "Do not trust distances between codes:" in printed
    for name in ("report.html", "report.json", "report.txt"):
        isoae("diagnose", folder / "model", folder / "points.npy", "--out", folder / name)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Do not trust" in page and "data:image/png;base64," in page and "http" not in page
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["points"] == 200
    assert "Do not trust" in (folder / "report.txt").read_text(encoding="utf-8")


def test_a_fit_takes_the_place_of_the_fit_before_it(folder):
    words = ("fit", folder / "points.npy", "--out", folder / "again", "--steps", 3)
    assert isoae(*words) == isoae(*words) == f"{folder / 'again'}\n"
    assert not list(folder.glob(".again*"))


BAD = {
    "text.csv": ("x,y\n1,2\n3,four\n5,6\n", "line 3: column 'y' is 'four', which is no finite num"),
    "empty_cell.csv": ("x,y\n1,2\n3,\n5,6\n", "line 3: column 'y' is empty"),
    "infinite.csv": ("1,2\n3,4\ninf,6\n", "line 3: column 1 is 'inf'"),
    "ragged.csv": ("x,y\n1,2\n3,4,5\n", "cannot be read"),
    "empty.csv": ("", "is empty"),
    "few.csv": ("x,y\n1,2\n3,4\n", "too few for 2 dimensions"),
    "damaged.npy": ("nonsense", "cannot be read"),
    "damaged.parquet": ("nonsense", "cannot be read"),
    "points.txt": ("1 2\n", "unknown kind of file '.txt'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_sentence_and_leaves_nothing_behind(name, tmp_path):
    content, says = BAD[name]
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ValueError) as caught:
        isoae("fit", tmp_path / name, "--out", tmp_path / "model", "--steps", 3)
    assert says in str(caught.value) and "\n" not in str(caught.value)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_an_array_of_another_shape_is_refused(tmp_path):
    np.save(tmp_path / "line.npy", POINTS[:, 0])
    with pytest.raises(InputError, match=r"numbers \(n, D\) are needed"):
        isoae("fit", tmp_path / "line.npy", "--out", tmp_path / "model")


def test_what_does_not_fit_a_model_is_refused(folder, tmp_path):
    pl.DataFrame(POINTS[:, :2], schema=["x", "y"]).write_csv(tmp_path / "two.csv")
    np.save(tmp_path / "two.npy", POINTS[:, :2])
    model, out = folder / "model", tmp_path / "codes.csv"
    wrong = {
        (model, tmp_path / "two.csv", out): "has no column 'z'; it has: x, y",
        (model, tmp_path / "two.npy", out): "has 2 columns; the model was fitted on 3",
        (model, tmp_path / "none.csv", out): "none.csv is not there",
        (tmp_path / "none", folder / "points.csv", out): "give the folder that `isoae fit` wrote",
        (tmp_path, folder / "points.csv", out): "holds no model",
        (model, folder / "points.csv", tmp_path / "codes.xls"): "unknown kind of file '.xls'",
    }
    for (where, points, to), says in wrong.items():
        with pytest.raises(InputError, match=says):
            isoae("transform", where, points, "--out", to)
    assert not out.exists()


def test_a_folder_of_something_else_is_not_replaced_and_nothing_is_trained(folder, tmp_path):
    (tmp_path / "precious").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="is there already and is no model"):
        isoae("fit", folder / "points.csv", "--out", tmp_path, "--columns", "x,y,z",
              "--steps", 10**9)  # fmt: skip
    assert (tmp_path / "precious").exists()
