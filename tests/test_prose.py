"""The prose keeps its promises: citations, decisions, links, settings, no trace of a machine."""

from __future__ import annotations

import itertools
import math
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from isoae_lib.core import step
from isoae_lib.paper import sections
from isoae_lib.paper.specs import RunSpec

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted((ROOT / "book").glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
DECISIONS = ROOT / "book" / "decisions.md"
LINKED = [*PAGES, *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))]
HOSTS = {"arxiv.org", "doi.org", "github.com", "openreview.net", "www.w3.org", "w3id.org"}
HOSTS |= {"colab.research.google.com", "example.org"}  # opens notebooks; nobody's, for tests
HOSTS |= {  # where the data sets are given out, and the server of a test
    "yann.lecun.com", "ossci-datasets.s3.amazonaws.com", "cave.cs.columbia.edu",
    "fashion-mnist.s3-website.eu-central-1.amazonaws.com", "www.cs.columbia.edu",
    "www.cs.toronto.edu", "mmlab.ie.cuhk.edu.hk", "127.0.0.1",
}  # fmt: skip


def tracked() -> list[Path]:
    """Files that git keeps; none outside a checkout."""
    command = ["git", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


def text_of(file: Path) -> str:
    """Return the content of a text file, or nothing for a binary one; a notebook's without JSON."""
    content = file.read_bytes()
    text = "" if b"\0" in content else content.decode(errors="replace")
    return re.sub(r'\\([n"])', " ", text) if file.suffix == ".ipynb" else text


def decided() -> list[int]:
    """Decision numbers in the order of the page."""
    return [
        int(n)
        for n in re.findall(r"^### (\d+) ·", DECISIONS.read_text(encoding="utf-8"), re.MULTILINE)
    ]


def test_every_citation_has_an_entry_and_every_entry_a_citation():
    entries = re.findall(
        r"^@\w+\{([^,]+),", (ROOT / "book/references.bib").read_text(encoding="utf-8"), re.MULTILINE
    )
    cited = {
        key.strip()
        for page in [*PAGES, *NOTEBOOKS]
        for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", page.read_text(encoding="utf-8"))
        for key in keys.split(",")
    }
    assert len(entries) == len(set(entries))
    assert cited == set(entries)


def test_every_decision_is_on_its_page():
    assert sorted(decided()) == list(range(1, 24))


def test_code_and_notebooks_refer_to_decisions_that_exist():
    headings = set(re.findall(r"^### (\w+) ·", DECISIONS.read_text(encoding="utf-8"), re.MULTILINE))
    for file in [*(ROOT / "isoae_lib").rglob("*.py"), *NOTEBOOKS]:
        named = set(re.findall(r"\bdecision (\d+|[A-Z]\b)", file.read_text(encoding="utf-8")))
        assert named <= headings, f"{file.name} refers to decisions that have no section: {named}"


def test_the_table_of_settings_says_what_the_presets_do():
    rows = re.findall(
        r"^\|[^|]*\(`(\w+)`\) \|(.+)\|$", DECISIONS.read_text(encoding="utf-8"), re.MULTILINE
    )
    written = {
        field: [type(getattr(RunSpec, field))(c.strip().replace(",", "")) for c in after.split("|")]
        for field, _, after in ((field, *cells.partition("|")[1:]) for field, cells in rows)
    }
    specs = [sections.spec("3d/s-shape/I-AE", preset) for preset in sections.SCALES]
    changed = {
        field for preset in sections.SCALES for field in sections.SECTIONS["3d"].scales[preset]
    }
    assert changed <= set(written)
    assert written == {field: [getattr(spec, field) for spec in specs] for field in written}


def test_the_exception_for_the_swiss_roll_is_the_one_on_the_page():
    value = re.search(
        r"On the Swiss roll.+?\$\\beta_2=(0\.99\d?)\$, a memory",
        DECISIONS.read_text(encoding="utf-8"),
        re.S,
    )
    for data, preset in itertools.product(("swiss-roll", "swiss-roll-hole"), sections.SCALES):
        roll, other = (sections.spec(f"3d/{name}/I-AE", preset) for name in (data, "s-shape"))
        long = preset in ("paper", "published")
        changed = replace(other, data=data, beta2=float(value[1]) if long else other.beta2)
        assert roll == changed


def test_surfaces_add_up_and_images_average():
    """Decision 1, for every run at every scale: each section has all of them."""
    text = " ".join(DECISIONS.read_text(encoding="utf-8").split())
    assert "We add up on surfaces, and average over the pixels of images." in text
    for section in sections.SECTIONS.values():
        for data, method in itertools.product(section.known_data, section.methods):
            for preset in sections.SCALES:
                spec = section.spec(data, method, preset)
                assert spec.reduction == ("mean" if spec.of_images else "sum")


def test_the_page_says_from_where_on_runs_are_compiled():
    power = round(math.log10(step.COMPILE_FROM))
    assert 10**power == step.COMPILE_FROM
    assert f"$10^{{{power}}}$ multiply-adds" in DECISIONS.read_text(encoding="utf-8")


def test_the_table_of_rivals_says_what_table_7_does():
    section = sections.SECTIONS["generalization"]
    methods = dict.fromkeys(where.split("/")[-1] for where in section.tuned)
    row = rf"^\| ({'|'.join(methods)}) \([^)]+\) \| (.+) \|$"
    rows = re.findall(row, DECISIONS.read_text(encoding="utf-8"), re.MULTILINE)
    written = {
        method: [[float(number) for number in cell.split(";")] for cell in cells.split("|")]
        for method, cells in rows
    }
    assert written == {
        method: [
            list((section.tuned.get(method) or section.tuned[f"{data}/{method}"]).values())
            for data in section.data_sets
        ]
        for method in methods
    }


def test_the_tables_of_chosen_settings_say_what_figure_5_and_table_2_do():
    rows = re.findall(
        r"^\| ([\w-]+) \(its (\w+)\) \| (.+) \| (.+) \|$",
        DECISIONS.read_text(encoding="utf-8"), re.M,
    )  # fmt: skip
    places = (
        ("visualization-FC", ""), ("visualization-CNN", ""),
        ("classification", "latent=16"), ("classification", "latent=64"),
    )  # fmt: skip
    methods = sections.SECTIONS["visualization-CNN"].tuned
    assert [m for m, *_ in rows] == [*methods, *methods]
    for place, (method, setting, *cells) in enumerate(rows):
        for (name, variant), cell in zip(places[2 * (place // len(methods)) :], cells):
            section = sections.SECTIONS[name]
            known = method in (*section.methods, *section.sweep)
            spec = (
                section.spec("mnist", f"{method},{variant}".rstrip(","), "published")
                if known
                else None
            )
            assert cell == (f"{getattr(spec, setting):g}" if spec else "–"), method


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_names_of_the_library_are_where_a_page_says(page: Path):
    named = re.findall(
        r"`(\w+)`\s+(?:in\s+|\()`(isoae_lib/[\w/]+\.py)`", page.read_text(encoding="utf-8")
    )
    lost = [
        (name, file) for name, file in named if not re.search(rf"\b{name}\b", text_of(ROOT / file))
    ]
    assert not lost
    assert named or page.name != "CONTRIBUTING.md"


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(
        r"^```\{figure\} (\S+)", text, re.MULTILINE
    )
    docs = re.findall(r"\{doc\}`[^`]*?<?([^<>`]+)>?`", text)
    for target in targets:
        file, _, anchor = target.partition("#")
        if not re.match(r"[a-z]+:", target):
            found = page.parent / file if file else page
            assert found.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in anchors(found), f"{page.name} links to {target}"
    for doc in docs:
        kinds = [(page.parent / doc).with_suffix(kind) for kind in (".md", ".py")]
        assert any(file.exists() for file in kinds), f"{page.name} links to {doc}"


def anchors(page: Path) -> set[str]:
    """Explicit labels of a page, and its headings in the form that links use."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}
    return slugs | set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


def test_no_machine_shows_through():
    machine = re.compile(r"(?<![\w.}])/(?:work|tmp|root|home|Users)/|\b[A-Z]:\\|\blocalhost\b")
    address = re.compile(r"https?://([\w.-]+)")
    found = []
    files = tracked() or pytest.skip("not a git checkout")
    for file in files:
        text = text_of(file)
        found += [f"{file.relative_to(ROOT)}: {m}" for m in machine.findall(text)]
        found += [f"{file.relative_to(ROOT)}: {h}" for h in address.findall(text) if h not in HOSTS]
    assert not found, "\n".join(found)
