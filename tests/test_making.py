"""The page on what made the pages says what is so."""

from __future__ import annotations

import platform

import numpy

from isoae_lib.book import copies, making
from isoae_lib.files import ROOT
from isoae_lib.paper import machine, sections


def test_the_surroundings_name_preset_python_and_processor():
    table = making.surroundings("laptop")
    for fact in ("`laptop`", platform.python_version(), machine.processor(), "| GPU | none |"):
        assert fact in table


def test_packages_have_their_installed_versions_and_absent_ones_are_left_out(monkeypatch):
    assert f"| numpy | {numpy.__version__} |" in making.packages().splitlines()
    monkeypatch.setattr(making, "requires", lambda _: ["numpy>=2", "no-such-package; extra == 'x'"])
    assert len(making.packages().splitlines()) == 3


def test_run_times_are_those_of_the_executed_copies_with_their_sum(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    first, second, *_ = sections.NOTEBOOKS
    for stem, seconds in ((first, 2.2), (second, 40.5)):
        copy = copies.folder("smoke") / f"{stem}.ipynb"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("{}", encoding="utf-8")
        copies.sign(copy, "smoke", {}, seconds)
    rows = making.run_times("smoke").splitlines()[2:]
    assert rows == [
        f"| {{doc}}`../notebooks/{first}` | 2 |", f"| {{doc}}`../notebooks/{second}` | 40 |",
        "| all | 43 |",
    ]  # fmt: skip


def test_the_page_has_a_place_for_each_table():
    page = (ROOT / "book" / "this_build.md").read_text(encoding="utf-8")
    for name in ("surroundings", "run_times", "packages"):
        assert page.count(f"{{{{ {name} }}}}") == 1
