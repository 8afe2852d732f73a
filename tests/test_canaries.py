"""A canary is equal, within its margin or outside; margins come from the published seeds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from isoae_lib.book import canary_tables, page
from isoae_lib.cli import app
from isoae_lib.errors import InputError
from isoae_lib.paper import canaries, machine, runs, sections
from isoae_lib.paper.canaries import Answer
from isoae_lib.paper.specs import RunSpec

TINY = RunSpec(data="s-shape", method="AE", points=50, steps=3, batch=10, width=8, depth=1)
VERSIONS = {"torch": "2", "numpy": "2", "training": 2, "python": "3"}


def run(std=0.03, weights="w", processor="p", seed=0, **record):
    facts = {"processor": processor, "device": "cpu", "engine": "eager", "versions": VERSIONS}
    return SimpleNamespace(
        metrics={"edge_ratio_std": std} if std else {}, weights_checksum=weights,
        record=facts | {"losses": {"L_rec": 1e-6}} | record, spec=SimpleNamespace(seed=seed),
    )  # fmt: skip


def answer(here, margin=0.01):
    (check,) = canaries.compare("toy", run(), here, {"edge_ratio_std": margin})
    return check.answer


def test_on_the_same_kind_of_machine_only_equal_bits_will_do():
    assert answer(run()) == Answer.EQUAL
    assert answer(run(weights="v")) == Answer.OUTSIDE
    assert answer(run(std=0.031)) == Answer.OUTSIDE  # measured otherwise, or a record was edited
    python = VERSIONS | {"python": "3.13"}
    assert answer(run(weights="v", versions=python)) == Answer.OUTSIDE  # decides no bit


@pytest.mark.parametrize(
    "other",
    [{"processor": "q"}, {"engine": "compiled"}, {"versions": VERSIONS | {"torch": "3"}}],
)
def test_elsewhere_the_margin_decides(other):
    assert answer(run(std=0.039, weights="v", **other)) == Answer.WITHIN
    assert answer(run(std=0.041, weights="v", **other)) == Answer.OUTSIDE
    assert answer(run(std=0.021, weights="v", **other)) == Answer.WITHIN
    assert answer(run(std=0.019, weights="v", **other)) == Answer.OUTSIDE
    assert answer(run(std=None, weights="v", **other)) == Answer.OUTSIDE  # it diverged
    assert answer(run(**other)) == Answer.EQUAL


def test_a_run_that_is_not_there_is_missing():
    assert answer(None) == Answer.MISSING


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Three seeds of one canary, in a folder of published records."""
    monkeypatch.setitem(runs.PUBLISHED, "canaries", tmp_path)
    monkeypatch.setattr(canaries, "names", lambda _="": {"toy": ("edge_ratio_std", "L_rec")})
    group = [run(std, seed=seed) for seed, std in enumerate((0.03, 0.04, 0.05))]
    monkeypatch.setattr(canaries, "published", lambda: {"toy": group})
    return group


def test_a_margin_follows_from_its_seeds_and_keeps_its_date(published, tmp_path):
    canaries.fix(date(2020, 1, 2))
    margin = canaries.spread(published, "edge_ratio_std")
    assert canaries.written() == {"toy": {"edge_ratio_std": margin, "L_rec": 0.0}}
    canaries.fix(date(2021, 1, 2))
    file = tmp_path / canaries.MARGINS
    assert json.loads(file.read_text(encoding="utf-8"))["toy"]["fixed"] == "2020-01-02"
    published[0].metrics["edge_ratio_std"] = 0.02
    canaries.fix(date(2022, 1, 2))
    found = json.loads(file.read_text(encoding="utf-8"))["toy"]
    assert found["fixed"] == "2022-01-02" and found["values"]["edge_ratio_std"] == [
        0.02,
        0.04,
        0.05,
    ]
    assert found["margins"]["edge_ratio_std"] == canaries.spread(published, "edge_ratio_std")
    assert found["margins"]["edge_ratio_std"] > margin


@pytest.mark.parametrize("seeds", [3, 5, 20])
def test_another_seed_is_seldom_outside_however_few_gave_the_margin(seeds):
    rng, outside = np.random.default_rng(0), 0
    for *values, another in 7 + 0.1 * rng.normal(size=(5000, seeds + 1)):
        outside += abs(another - values[0]) > canaries.spread(map(run, values), "edge_ratio_std")
    assert 0.02 < outside / 5000 < 0.05  # less: the margin takes in the number that it is around


def test_few_seeds_or_one_that_diverged_give_no_margin(published):
    with pytest.raises(InputError, match="at least three seeds"):
        canaries.spread(published[:2], "edge_ratio_std")
    with pytest.raises(InputError, match="at least three seeds"):
        canaries.spread([*published, run(std=None)], "edge_ratio_std")


def test_a_published_record_keeps_the_processor_and_the_checksum_of_its_weights(
    tmp_path, monkeypatch, store
):
    monkeypatch.setitem(runs.PUBLISHED, "canaries", tmp_path)
    here = runs.get(TINY)
    there = runs.read(runs.publish(here, "3d/s-shape/AE", "canaries"))
    assert there.weights_checksum == here.record["files"]["weights.safetensors"]
    assert there.record["processor"] == machine.processor()
    assert machine.kind(there.record) == machine.kind(here.record)
    assert [c.answer for c in canaries.compare("", there, here, {"rmse": 0.0})] == [Answer.EQUAL]


def test_a_processor_is_named_with_its_model_and_kernels(tmp_path, monkeypatch):
    file = tmp_path / "cpuinfo"
    file.write_text(
        "cpu family\t: 6\nmodel\t\t: 143\nmodel name\t: A B\nstepping : 8\n\n", encoding="utf-8"
    )
    monkeypatch.setattr(machine, "CPUINFO", file)
    assert re.fullmatch("A B, 6 143 8, [A-Z0-9]+", machine.processor())
    monkeypatch.setattr(machine, "CPUINFO", tmp_path / "none")
    assert re.fullmatch(r"\w+, [A-Z0-9]+", machine.processor())


def test_the_command_prints_every_check_and_fails_when_one_is_outside(monkeypatch):
    check = canaries.Check("toy/curve/AE", "rmse", 0.25, 0.5, 0.1, Answer.OUTSIDE)
    monkeypatch.setattr(canaries, "checks", lambda: [check])
    done = CliRunner().invoke(app, ["canaries"])
    assert done.exit_code == 1
    line, summary = done.output.splitlines()
    assert " ".join(line.split()) == "toy/curve/AE rmse 0.25 0.5 0.1 outside the margin"
    assert summary == "Canaries: 1 outside the margin (toy/curve/AE)."
    for harmless in (Answer.EQUAL, Answer.WITHIN, Answer.MISSING):
        fine = canaries.Check("toy/curve/AE", "rmse", 0.25, 0.25, 0.1, harmless)
        monkeypatch.setattr(canaries, "checks", lambda fine=fine: [fine])
        assert CliRunner().invoke(app, ["canaries"]).exit_code == 0


def test_the_summary_counts_a_canary_once_with_its_worst_answer():
    answers = {"a": "EW", "b": "EE", "c": "OE", "d": "MM", "e": "WE"}
    by_letter = {answer.name[0]: answer for answer in Answer}
    found = [
        canaries.Check(name, "rmse", 0.0, 0.0, 0.0, by_letter[letter])
        for name, letters in answers.items()
        for letter in letters
    ]
    assert canaries.summary(found) == (
        "Canaries: 1 equal bits, 2 within the margin, 1 not trained here, 1 outside the margin (c)."
    )


def test_a_page_checks_its_own_canaries_and_the_ledger_all():
    every = canaries.names()
    assert every and canaries.names(sections.LEDGER) == every
    assert set(canaries.names("03_evaluation_3d")) < {*every, ""}
    assert all(name.startswith("3d/") for name in canaries.names("03_evaluation_3d"))


def test_a_page_shows_a_row_for_each_number_and_the_summary(monkeypatch, capsys):
    checks = [
        canaries.Check(name, number, 0.25, np.nan, 0.125, Answer.MISSING)
        for name, numbers in canaries.names().items()
        for number in numbers
    ]
    table = canary_tables.checked(checks)
    assert len(table) == len(checks)
    assert set(table["published"]) == {"0.25"} and set(table["this machine"]) == {"–"}
    assert set(table["margin"]) == {"0.12"} and set(table["answer"]) == {"not trained here"}
    shown = []
    monkeypatch.setattr(page, "display", lambda *outputs: shown.extend(outputs))
    monkeypatch.setattr(canaries, "checks", lambda notebook: checks[:1])
    page.Chapter("03_evaluation_3d", "laptop", {}, [], []).this_machine()
    assert len(shown[0]) == 1 and shown[1].data == "Canaries: 1 not trained here."
    page.Chapter("03_evaluation_3d", "smoke", {}, [], []).this_machine()
    assert capsys.readouterr().out == "Preset smoke trains the runs above, and no canaries.\n"
    assert len(shown) == 2


CONTROLS = ("3d/s-shape/I-AE-without-L_piso", "3d/s-shape/I-AE,steps=600")


def test_each_canary_has_its_records_and_the_margins_that_follow_from_them():
    """Numbers stand in records and in the file of margins: an edit of one of them is noticed."""
    known = canaries.published()
    file = json.loads((runs.PUBLISHED["canaries"] / canaries.MARGINS).read_text(encoding="utf-8"))
    assert file.keys() == canaries.names().keys() == known.keys() - set(CONTROLS)
    for name, numbers in canaries.names().items():
        group, written = known[name], file[name]
        assert [run.spec for run in group] == [
            sections.spec(name, "laptop", seed) for seed in written["seeds"]
        ]
        assert written["values"] == {
            number: [canaries.value(run, number) for run in group] for number in numbers
        }
        assert written["margins"] == {number: canaries.spread(group, number) for number in numbers}
        assert date.fromisoformat(written["fixed"])
        assert len({run.weights_checksum for run in group}) == len(group) >= 3


@pytest.mark.parametrize("control", CONTROLS)
def test_leaving_out_L_piso_or_most_steps_is_outside_whatever_the_seed(control):
    """On another kind of processor, where the margin decides."""
    known, margins = canaries.published(), canaries.written()["3d/s-shape/I-AE"]
    (canary, *_) = known["3d/s-shape/I-AE"]
    assert len(known[control]) >= 3
    for run in known[control]:
        elsewhere = replace(run, record=run.record | {"processor": "another"})
        answers = [c.answer for c in canaries.compare("", canary, elsewhere, margins)]
        assert Answer.OUTSIDE in answers
    for run in known["3d/s-shape/I-AE"][1:]:  # another seed alone is no reason
        elsewhere = replace(run, record=run.record | {"processor": "another"})
        answers = {c.answer for c in canaries.compare("", canary, elsewhere, margins)}
        assert answers == {Answer.WITHIN}


@pytest.mark.slow
@pytest.mark.parametrize("name", canaries.names())
def test_this_machine_repeats_its_canaries(name):
    run = runs.load(name, "laptop")
    found = list(canaries.compare(
        name, canaries.published()[name][0], run, canaries.written()[name]
    ))  # fmt: skip
    assert {check.answer for check in found} <= {Answer.EQUAL, Answer.WITHIN}, found


SHORT = [name for name in canaries.names() if sections.spec(name, "laptop").steps <= 200]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)  # all seven take more than four minutes
def test_on_other_kernels_a_canary_is_within_its_margin(name, tmp_path):
    """PyTorch's kernels without vector instructions and AMX stand for another processor."""
    code = (
        "import torch; torch.cpu.get_capabilities = dict; from isoae_lib.cli import app; "
        f"app(['train', '{name}', '--preset', 'laptop', '--store', r'{tmp_path}'])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], text=True, check=True, stdout=subprocess.PIPE,
        env=os.environ | {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    ).stdout  # fmt: skip
    run = runs.read(Path(printed.strip()))
    assert run.record["processor"].endswith("DEFAULT") and "bfloat16" not in run.record["engine"]
    found = list(canaries.compare(
        name, canaries.published()[name][0], run, canaries.written()[name]
    ))  # fmt: skip
    assert {check.answer for check in found} <= {Answer.WITHIN}, found


@pytest.mark.slow
@pytest.mark.parametrize("control", CONTROLS)
def test_what_is_trained_otherwise_is_outside(control):
    run, name = runs.load(control, "laptop", seed=0), "3d/s-shape/I-AE"
    elsewhere = replace(run, record=run.record | {"processor": "another"})
    found = canaries.compare(name, canaries.published()[name][0], elsewhere,
                             canaries.written()[name])  # fmt: skip
    assert Answer.OUTSIDE in [check.answer for check in found]
