"""Bad input gets one sentence and exit status 2; good input ends with the record's path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from isoae_lib import cli

TINY = [
    part
    for setting in ("points=60", "steps=5", "width=8", "depth=1")
    for part in ("--set", setting)
]


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["isoae", *words])
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "3d/s-shape/IAE"], "unknown method 'IAE': did you mean"),
        (["train", "3d/s-shap/I-AE"], "unknown surface 's-shap': did you mean s-shape"),
        (["train", "4d/s-shape/I-AE"], "unknown section '4d': did you mean 3d"),
        (["train", "I-AE"], "write section/data/method"),
        (["train", "3d/s-shape/I-AE", "--preset", "labtop"], "did you mean laptop"),
        (["train", "3d/s-shape/I-AE", "--set", "stepz=5"], "did you mean steps"),
        (["train", "3d/s-shape/I-AE", "--set", "latent=4"], "latent size 4 is above"),
        (["train", "3d/s-shape/I-AE", *TINY, "--device", "cuda:9"], "device 'cuda:9' is not"),
        (["notebook", "03_evaluation"], "did you mean 03_evaluation_3d"),
        (["notebook", "01_theory", "--set", "sead=1"], "did you mean seed"),
        (["notebook", "01_theory", "--set", "seed"], "write key=value"),
        (["book", "--preset", "smok"], "did you mean smoke"),
        (["book", "--target", "books"], "did you mean book"),
    ],
)
def test_bad_input(words, told, monkeypatch, capsys, store, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("isoae: ") and err.count("\n") == 1 and told in err
    assert not store.exists() or not any(store.glob("*/run.json"))


def test_a_store_in_the_way_of_a_file(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    words = ["train", "3d/s-shape/AE", *TINY, "--store", str(tmp_path / "file" / "store")]
    assert call(monkeypatch, *words) == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_train_ends_with_the_path_of_the_record(monkeypatch, capsys, store):
    assert call(monkeypatch, "train", "3d/s-shape/AE", "3d/s-shape/CAE", *TINY) == 0
    out, err = capsys.readouterr()
    folder = Path(out.splitlines()[-1])
    assert (folder / "run.json").is_file() and folder.parent == store
    assert "done 3d/s-shape/AE" in err and "\tleft 0 s" in err
