"""Executed copies: whole or absent, with the parameters asked for, the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isoae_lib import notebooks, workflow
from isoae_lib.errors import InputError

HEAD = """# %% [markdown]
# # A page

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %%
"""


@pytest.fixture
def page(tmp_path, monkeypatch):
    """Put a page in the place of the first chapter."""
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()

    def write(code):
        (tmp_path / "notebooks" / "01_theory.py").write_text(HEAD + code + "\n")
        return tmp_path / "build" / "smoke" / "executed" / "01_theory.ipynb"

    return write


def text_of(file):
    cells = json.loads(file.read_text())["cells"]
    return "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))


def test_parameters_arrive_and_the_copy_is_the_same_every_time(page):
    out = page("import numpy as np\nprint(preset, seed, np.arange(3))\n{'a': object}")
    notebooks.execute("01_theory", "smoke", out, {"seed": 7})
    assert "smoke 7 [0 1 2]" in text_of(out)
    assert json.loads(out.with_suffix(".json").read_text())["preset"] == "smoke"
    first = out.read_bytes()
    notebooks.execute("01_theory", "smoke", out, {"seed": 7})
    assert out.read_bytes() == first
    assert not list((out.parent.parent / "unfinished").iterdir())


def test_a_failing_cell_leaves_its_copy_where_the_message_says(page):
    out = page("print('so far')\n\n# %%\n1 / 0")
    with pytest.raises(InputError, match=r"failed in cell \d+ \(ZeroDivisionError") as error:
        notebooks.execute("01_theory", "smoke", out)
    assert not out.exists()
    copy = Path(str(error.value).split("the copy up to there is ")[1].rstrip("."))
    assert "so far" in text_of(copy) and "Traceback" in copy.read_text()


def test_a_failing_job_is_named_with_its_log(tmp_path):
    log = tmp_path / "01_theory.log"
    log.write_text("something\nisoae: notebook 01_theory failed in cell 4.\n")
    job = workflow.Job("01_theory", tmp_path / "absent.ipynb", log, 1.0)
    told = workflow._failure([job], tmp_path / "snakemake.log")
    assert told == f"01_theory failed: notebook 01_theory failed in cell 4. The log is {log}."


def test_the_time_left_is_the_estimate_at_first_and_what_was_seen_in_the_end():
    def left(spent, done):
        return workflow.seconds_left(spent, done, 1000.0, cores=2)

    assert left(0.0, 0.0) == pytest.approx(1000 / 2)
    assert left(10.0, 2.0) < 1.5 * left(0.0, 0.0)  # others began with the first job to end
    assert left(2e5, 1e5) == pytest.approx(1000 * 2, rel=0.01)
