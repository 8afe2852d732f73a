"""Executed copies: whole or absent, with the parameters asked for, the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from isoae_lib.book import copies, execute, site, workflow
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
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    monkeypatch.setattr(copies, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()

    def write(code):
        (tmp_path / "notebooks" / "01_theory.py").write_text(HEAD + code + "\n", encoding="utf-8")
        return tmp_path / "build" / "smoke" / "executed" / "01_theory.ipynb"

    return write


def text_of(file):
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))


def test_parameters_arrive_and_the_copy_is_the_same_every_time(page):
    page("import numpy as np\nprint(preset, seed, np.arange(3))\n{'a': object}")
    out = copies.target_of("01_theory", "smoke", {"seed": 7})
    execute.execute("01_theory", "smoke", out, {"seed": 7})
    assert "smoke 7 [0 1 2]" in text_of(out)
    assert json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))["preset"] == "smoke"
    first = out.read_bytes()
    execute.execute("01_theory", "smoke", out, {"seed": 7})
    assert out.read_bytes() == first
    assert not list((out.parent.parent / "unfinished").iterdir())


def test_a_kernel_takes_no_network_port_that_another_one_may_have(page):
    out = page(
        "from ipykernel.kernelapp import IPKernelApp\nkernel = IPKernelApp.instance()\n"
        "print(kernel.transport, kernel.ip)"
    )
    execute.execute("01_theory", "smoke", out)
    transport, sockets = text_of(out).split()
    assert transport == "ipc"
    assert not Path(sockets).parent.exists()  # nothing stays behind


def test_outputs_stand_in_their_order_and_pages_leave_out_the_parameters(page):
    out = page(
        "import time\nfor n in range(2):\n    for k in range(3):\n"
        "        print(n, k, flush=True)\n        time.sleep(0.1)\n    display({n})"
    )
    execute.execute("01_theory", "smoke", out)
    cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    hidden = [c["source"][-1] for c in cells if "remove-cell" in c["metadata"].get("tags", ())]
    assert hidden == ["seed = 0", 'preset = "smoke"\n']
    outputs = [o.get("text") or o["data"]["text/plain"] for o in cells[-1]["outputs"]]
    assert ["".join(o) for o in outputs] == ["0 0\n0 1\n0 2\n", "{0}", "1 0\n1 1\n1 2\n", "{1}"]


def test_only_copies_with_the_notebooks_own_parameters_are_pages_of_the_book(page, tmp_path):
    out = page("print(preset, seed)")
    changed = copies.changed("01_theory", ["seed=5"])
    assert changed == {"seed": 5} and copies.changed("01_theory", ["seed=0"]) == {}
    for preset, parameters in (("smoke", changed), ("laptop", {}), ("laptop", changed)):
        with pytest.raises(InputError, match="holds the pages of the book: give another --out"):
            execute.execute("01_theory", preset, out, parameters)
    assert not out.exists()
    elsewhere = copies.target_of("01_theory", "smoke", changed)
    assert elsewhere == tmp_path / "build" / "smoke" / "changed" / "01_theory,seed=5.ipynb"
    execute.execute("01_theory", "smoke", elsewhere, changed)
    execute.execute("01_theory", "smoke", out)
    assert "smoke 5" in text_of(elsewhere) and "smoke 0" in text_of(out)
    assert copies.is_of_book(out, "smoke")
    for copy, preset in ((out, "laptop"), (elsewhere, "smoke")):
        assert not copies.is_of_book(copy, preset)


def test_a_copy_that_was_edited_or_put_there_by_hand_is_made_again(page, monkeypatch, caplog):
    out = page("print(preset, seed)")
    monkeypatch.setattr(site.sections, "NOTEBOOKS", ("01_theory",))
    execute.execute("01_theory", "smoke", out)
    copies.set_aside("smoke")
    assert out.exists()
    out.write_text(out.read_text(encoding="utf-8").replace("smoke 0", "smoke 9"), encoding="utf-8")
    copies.set_aside("smoke")
    assert not out.exists() and "is made again" in caplog.text
    assert "smoke 9" in text_of(out.parent.parent / "changed" / "01_theory.ipynb")


def test_a_failing_cell_leaves_its_copy_where_the_message_says(page):
    out = page("print('so far')\n\n# %%\n1 / 0")
    with pytest.raises(InputError, match=r"failed in cell \d+ \(ZeroDivisionError") as error:
        execute.execute("01_theory", "smoke", out)
    assert not out.exists()
    copy = Path(str(error.value).split("the copy up to there is ")[1].rstrip("."))
    assert "so far" in text_of(copy) and "Traceback" in copy.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("stem", copies.sections.NOTEBOOKS)
def test_every_page_runs_alone_on_an_empty_store(stem, store, tmp_path):
    words = ["notebook", stem, "--preset", "smoke", "--out", str(tmp_path / f"{stem}-alone.ipynb")]
    done = subprocess.run(
        [sys.executable, "-m", "isoae_lib.cli", *words], cwd=tmp_path, capture_output=True,
        text=True, check=False, env=os.environ | workflow.ENVIRONMENT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
