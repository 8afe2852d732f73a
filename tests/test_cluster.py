"""The page on clusters: its hours are those of the jobs that a build sends."""

from __future__ import annotations

import pytest

from isoae_lib.book import cluster
from isoae_lib.files import ROOT
from isoae_lib.paper import durations, sections
from isoae_lib.paper.data import images


@pytest.fixture
def rows():
    """The numbers of the table by what is shown, and the sentence below it."""
    lines = cluster.hours().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines[2:-2]]
    numbers = {name: [float(n.replace(",", "")) for n in of] for name, *of in cells}
    return numbers, lines[-1]


def test_the_table_has_the_runs_and_jobs_of_a_build_with_all_images(rows, monkeypatch):
    monkeypatch.setattr(images, "present", lambda data: "present")
    groups = sections.groups("paper")
    hours = {
        group: sum(durations.on_gpu(sections.spec(name, "paper")) for name in names) / 3600
        for group, names in groups.items()
    }
    runs, jobs, _, on_gpu, longest = rows[0]["all"]
    assert (runs, jobs) == (sum(map(len, groups.values())), len(groups))
    assert on_gpu == pytest.approx(sum(hours.values()), abs=0.06)
    assert longest == pytest.approx(max(hours.values()), abs=0.06)
    together = cluster.makespan(hours.values(), 10)
    assert f"one NVIDIA H200 needs {on_gpu:,.0f} hours" in rows[1]
    assert f"10 of them need {together:,.0f} hours" in rows[1]


def test_the_rows_make_up_the_last(rows):
    *parts, every = rows[0].values()
    assert len(parts) == len(sections.SECTIONS)
    for column in range(4):
        assert every[column] == pytest.approx(sum(part[column] for part in parts), abs=4)
    assert every[4] == max(part[4] for part in parts)


def test_workers_share_jobs_and_none_is_cut():
    assert cluster.makespan([1, 1, 1, 1, 4], 2) == 4  # the longest job begins first
    assert cluster.makespan([5, 1, 1], 10) == 5
    assert cluster.makespan([2, 2, 2], 1) == 6


def test_the_page_shows_the_table():
    assert "{{ cluster }}" in (ROOT / "book" / "cluster.md").read_text(encoding="utf-8")
