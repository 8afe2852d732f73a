"""Bad input gets one sentence and exit status 2; good input ends with the record's path."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from isoae_lib import cli, progress, start
from isoae_lib.errors import InputError, choose
from isoae_lib.paper import estimate, sections

TINY = ["--set", "points=60", "steps=5", "width=8", "depth=1"]


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["isoae", *words])
    monkeypatch.setattr(cli, "settle", lambda: None)  # it is for a process of one's own
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "3d/s-shape/IAE"], "unknown method 'IAE': did you mean"),
        (["train", "3d/s-shap/I-AE"], "unknown surface 's-shap': did you mean s-shape"),
        (["train", "4d/s-shape/I-AE"], "unknown section '4d': did you mean 3d"),
        (["train", "I-AE"], "write section/data/method"),
        (["train", "3d/s-shape/I-AE", "--preset", "labtop"], "did you mean laptop"),
        (["train", "3d/s-shape/I-AE", "--set", "stepz=5"], "did you mean steps"),
        (["train", "3d/s-shape/I-AE", "--set", "latent=4"], "latent size 4 is above"),
        (
            ["train", "visualization-FC/mnist-5k/AE", "--set", "batch=1"],
            "BatchNorm needs at least 2",
        ),
        (["train", "visualization-FC/mnist-5k/AE", "--set", "points=20"], "number, 50 or more"),
        (["train", "3d/s-shape/AE", "--set", "points=4"], "whole number, 16 or more"),
        (["train", "3d/s-shape/I-AE", *TINY, "--device", "cuda:9"], "device 'cuda:9' is not"),
        (
            ["train", "3d/s-shape/I-AE", "--budget", "soon"],
            "'soon' is not a duration: write it like",
        ),
        (["runs", "publish", "3d/s-shape/AE"], "is not in the store at scale published"),
        (["notebook", "03_evaluation"], "did you mean 03_evaluation_3d"),
        (["notebook", "01_theory", "--set", "sead=1"], "did you mean seed"),
        (["notebook", "01_theory", "--set", "seed"], "write key=value"),
        (["notebook", "01_theory", "--set", "seed=one"], "it must be a number, like 0"),
        (["notebook", "01_theory", "--set", "preset=smoke"], "give it as --preset"),
        (["notebook", "01_theory", "--set", "seed=1", "sead=1"], "did you mean seed"),
        (["notebook", "01_theory", "02_toy_projection"], "2 notebooks: give one"),
        (["train", "--set", "steps=5", "seed=1"], "say what to run"),
        (["book", "--preset", "smok"], "did you mean smoke"),
        (["book", "--target", "books"], "did you mean book"),
    ],
)
def test_bad_input(words, message, monkeypatch, capsys, store, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("isoae: ") and err.count("\n") == 1 and message in err
    assert not store.exists() or not any(store.glob("*/run.json"))


def test_a_package_that_is_not_installed_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    assert call(monkeypatch, "notebook", "01_theory") == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "the package jupytext is not installed" in err


def test_a_store_in_the_way_of_a_file(monkeypatch, capsys, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    words = ["train", "3d/s-shape/AE", *TINY, "--store", str(tmp_path / "file" / "store")]
    assert call(monkeypatch, *words) == 2
    assert "cannot be written: " in capsys.readouterr().err


def test_train_ends_with_the_path_of_the_record(monkeypatch, capsys, store):
    assert call(monkeypatch, "train", "3d/s-shape/AE", "3d/s-shape/CAE", *TINY) == 0
    out, err = capsys.readouterr()
    folder = Path(out.splitlines()[-1])
    assert (folder / "run.json").is_file() and folder.parent == store
    assert "done 3d/s-shape/AE" in err and "\tleft 0 s" in err
    spec = json.loads((folder / "run.json").read_text(encoding="utf-8"))["spec"]
    assert [spec[name] for name in ("points", "steps", "width", "depth")] == [60, 5, 8, 1]
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["preset"] == "custom"


def test_several_seeds_in_one_command(monkeypatch, capsys):
    seeds = ["--seed", "2", "--seed", "1", "--seed", "2"]
    assert call(monkeypatch, "train", "3d/s-shape/AE", *seeds, *TINY) == 0
    records = [Path(line) / "run.json" for line in capsys.readouterr().out.splitlines()]
    assert [
        json.loads(record.read_text(encoding="utf-8"))["spec"]["seed"] for record in records
    ] == [2, 1]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("8m", 480), ("1h30m", 5400), ("2h1s", 7201), ("0s", 0)]
)
def test_durations(text, seconds):
    assert progress.seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "8", "m", "8 m", "-3s", "1m2h"])
def test_what_is_no_duration(text):
    with pytest.raises(InputError, match="is not a duration"):
        progress.seconds_of(text)


def test_a_budget_ends_at_a_checkpoint(monkeypatch, capsys, store):
    words = ["train", "3d/s-shape/AE", *TINY, "steps=400", "--budget", "0s"]
    assert call(monkeypatch, *words) == 75
    out, err = capsys.readouterr()
    assert out == "" and "stopped at step 1 of 400; the same command goes on." in err
    assert call(monkeypatch, *words[:-2]) == 0
    assert "done 3d/s-shape/AE" in capsys.readouterr().err


def test_the_estimate_weighs_steps_and_networks(monkeypatch):
    """Of a method's networks the smallest is timed, on few images; all cost in proportion."""
    names = [f"classification/{data}/AE,latent=16" for data in ("coil20", "mnist")]
    specs = [sections.spec(name, "paper") for name in names]
    section = SimpleNamespace(shows="Table 2", runs=lambda _: [(name, 0) for name in names])
    monkeypatch.setattr(sections, "SECTIONS", {"classification": section})
    monkeypatch.setattr(sections, "spec", lambda name, *_: specs[names.index(name)])
    timed = []
    monkeypatch.setattr(estimate, "seconds_per_step", lambda spec, *_: timed.append(spec) or 2.0)
    (cost,) = estimate.costs("paper")
    (few,) = timed
    assert few == replace(specs[1], batch=few.batch) and 2 <= few.batch < specs[1].batch  # S-CNN
    shares = [s.batch * s.multiply_adds / (few.batch * few.multiply_adds) for s in specs]
    assert shares[0] > 50 * shares[1] > 50
    assert cost.seconds == pytest.approx(
        sum(2 * share * s.steps for share, s in zip(shares, specs, strict=True))
    )


def test_on_a_gpu_the_largest_network_is_timed_with_all_its_points(monkeypatch):
    """Few points would leave it idle, and say that every step takes as long as its launch."""
    names = ("visualization-CNN/mnist/AE", "visualization-CNN/mnist/AE,width_factor=0.25")
    specs = [sections.spec(name, "paper") for name in names]
    timed = []
    monkeypatch.setattr(estimate, "seconds_per_step", lambda spec, *_: timed.append(spec) or 2.0)
    wide, narrow = estimate.seconds_of(specs, "cuda")
    assert timed == specs[:1] and wide == 2 * specs[0].steps and narrow < wide / 4


def test_networks_of_one_kind_are_timed_by_one_of_them():
    """Convolutions by the smallest; a dense network costs something else, by its width."""
    cnn, large, fc, mlp, narrow = (
        estimate._kind(sections.spec(name, "paper"))
        for name in ("visualization-CNN/mnist/AE", "visualization-COIL/coil20/AE",
                     "visualization-FC/mnist/AE", "3d/s-shape/AE", "3d/s-shape/AE,width=32")
    )  # fmt: skip
    assert cnn == large and len({cnn, fc, mlp, narrow}) == 4


def test_the_estimate_counts_the_runs(monkeypatch, capsys):
    monkeypatch.setattr(estimate, "CALIBRATION", 0.1)
    assert call(monkeypatch, "paper", "--estimate", "--preset", "smoke") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 9
    counts = {" ".join(line.split()[:-3]): line.split()[-3:-1] for line in lines[1:]}
    assert counts["Figure 1"] == ["2", "200"]
    assert counts["Table 1, Figures 3 and 4"] == ["36", "1,440"]
    assert counts["Figure 5, FC-NN"] == ["5", "100"] and counts["Figure 6"] == ["16", "160"]


def test_the_estimate_is_in_hours(monkeypatch, capsys):
    monkeypatch.setattr(estimate, "costs", lambda *_: [estimate.Cost("Table 1", 2, 3000, 5400.0)])
    assert call(monkeypatch, "paper", "--estimate") == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["Table", "1", "2", "3,000", "1.50"]


def test_a_name_is_close_whatever_its_case():
    with pytest.raises(InputError, match="did you mean s-shape"):
        choose("surface", "S-SHAPE", ["s-shape", "curve"])


def test_the_time_left_is_that_of_the_steps_of_this_session(monkeypatch, capsys):
    """Resumed at step 100: 100 steps take 10 s, so the last 200 take 20 s."""
    clock = iter([5.0, 15.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    show = progress.shown("a run", 400)
    show(100, {})
    show(200, {"step": 200, "L_rec": 0.5})
    assert capsys.readouterr().err == "a run\t200/400\t10 s\tleft 20 s\tL_rec 0.5\n"


def test_a_second_signal_ends_a_run_at_once(monkeypatch):
    handlers = []
    monkeypatch.setattr(progress, "at_ending", handlers.append)
    stop = progress.stopper(None)
    assert not stop()
    handlers[0](2, None)
    assert stop()
    with pytest.raises(KeyboardInterrupt):
        handlers[0](2, None)


def test_the_command_starts_anew_in_utf8_with_all_its_words(monkeypatch):
    anew = []
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    monkeypatch.setattr(sys, "orig_argv", ["python", "-P", "-m", "isoae_lib.cli", "runs", "list"])
    monkeypatch.setattr(start.os, "execve", lambda *given: anew.append(given))
    monkeypatch.setattr(cli, "main", lambda: None)  # what follows, since nothing is executed
    start.main()
    ((program, words, environment),) = anew
    assert [program, *words] == [sys.executable, sys.executable, *sys.orig_argv[1:]]
    assert environment["PYTHONUTF8"] == "1"
