"""Canaries: short published runs that every build trains anew, to see whether it repeats them.

On the kind of processor that trained the record, a run must repeat it to the last bit. Elsewhere
rounding differs, and each number has a margin, which follows from the published seeds. The margins
are in `data/canaries/margins.json`, written before they are used.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import isfinite, nan
from typing import Any

import numpy as np
from scipy.stats import t as student

from isoae_lib.errors import InputError
from isoae_lib.files import write_whole
from isoae_lib.paper import machine, runs, sections
from isoae_lib.paper.records import Run

CHANCE = 0.05  # two seeds of a run may differ by more than the margin so often
MARGINS = "margins.json"


class Answer(StrEnum):
    """How a number of this machine compares with the published one, from best to worst."""

    EQUAL = "equal bits"
    WITHIN = "within the margin"
    MISSING = "not trained here"
    OUTSIDE = "outside the margin"


@dataclass(frozen=True)
class Check:
    """One number of one canary.

    Attributes
    ----------
    name, number : str
        The run's name, and the metric's.
    published, margin : float
        The record's value, and how far from it another processor may come.
    here : float
        This machine's value; NaN if it has none.
    answer : Answer
        What follows.
    """

    name: str
    number: str
    published: float
    here: float
    margin: float
    answer: Answer


def names(notebook: str = "") -> dict[str, tuple[str, ...]]:
    """Return the canaries of one page, or all, and the numbers that are compared."""
    return {
        f"{section.name}/{canary}": numbers
        for section in sections.SECTIONS.values()
        if notebook in ("", sections.LEDGER, section.notebook)
        for canary, numbers in section.canaries.items()
    }


def checks(notebook: str = "") -> list[Check]:
    """Compare the canaries of one page, or all, with their records; nothing is trained.

    Raises
    ------
    InputError
        If a canary has no record or no margins.
    """
    known, margins = published(), written()
    found: list[Check] = []
    for name in names(notebook):
        if name not in known or name not in margins:
            raise InputError(f"the canary {name} is not published with margins: publish it.")
        here = runs.current(sections.spec(name, sections.CANARIES))
        found += compare(name, known[name][0], here, margins[name])
    return found


def compare(name: str, record: Run, here: Run | None, margins: dict[str, float]) -> Iterator[Check]:
    """Yield one check per number that has a margin."""
    for number, margin in margins.items():
        wanted, found = value(record, number), value(here, number) if here else nan
        if here is None:
            answer = Answer.MISSING
        elif record.weights_checksum == here.weights_checksum and found == wanted:
            answer = Answer.EQUAL
        elif machine.kind(record.record) != machine.kind(here.record) and (
            abs(found - wanted) <= margin
        ):
            answer = Answer.WITHIN
        else:
            answer = Answer.OUTSIDE
        yield Check(name, number, wanted, found, margin, answer)


def summary(found: Iterable[Check]) -> str:
    """Say in one sentence how many canaries have each answer; a canary has its worst number's."""
    worst: dict[str, Answer] = {}
    for check in found:
        answers = (check.answer, worst.get(check.name, check.answer))
        worst[check.name] = max(answers, key=list(Answer).index)
    counts = Counter(worst.values())
    said = ", ".join(f"{counts[answer]} {answer}" for answer in Answer if counts[answer])
    outside = [name for name, answer in worst.items() if answer == Answer.OUTSIDE]
    return f"Canaries: {said}" + (f" ({', '.join(outside)})." if outside else ".")


def value(run: Run, number: str) -> float:
    """Return a metric or a loss of a run; NaN if it diverged."""
    return float((run.record["losses"] | run.metrics).get(number, nan))


def published() -> dict[str, list[Run]]:
    """Return the published records of all canaries, by name; of each, the seeds in their order."""
    found: dict[str, list[Run]] = {}
    for name, run in runs.published("canaries"):
        found.setdefault(name, []).append(run)
    return found


def spread(group: Iterable[Run], number: str) -> float:
    """Return the margin that the published seeds of a canary give, with three digits.

    Two seeds differ by more with probability `CHANCE` at most, if their numbers are normal. Few
    seeds tell their standard deviation badly, so the margin has more of it (Student's t): 6.1
    times as much of three seeds, 3.9 of five.

    Raises
    ------
    InputError
        If there are fewer than three seeds, or one has no such number.
    """
    values = [value(run, number) for run in group]
    if len(values) < 3 or not all(map(isfinite, values)):
        raise InputError(f"a margin for {number} needs at least three seeds that have it.")
    width = student.ppf(1 - CHANCE / 2, len(values) - 1) * 2**0.5
    return float(f"{width * np.std(values, ddof=1):.3g}")


def written() -> dict[str, dict[str, float]]:
    """Return the margins as they are written: canary -> number -> margin."""
    return {name: known["margins"] for name, known in _file().items()}


def _file() -> dict[str, dict[str, Any]]:
    file = runs.PUBLISHED["canaries"] / MARGINS
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def fix(today: date | None = None) -> None:
    """Write the margins of canaries that have none, or whose records changed, with the date.

    Raises
    ------
    InputError
        If a canary has too few published seeds, or the file cannot be written.
    """
    known, before, content = published(), _file(), {}
    for name, numbers in names().items():
        group = known.get(name, [])
        facts = {
            "seeds": [run.spec.seed for run in group],
            "values": {number: [value(run, number) for run in group] for number in numbers},
            "margins": {number: spread(group, number) for number in numbers},
        }
        old = before.get(name, {})
        kept = old.get("fixed") if {key: old.get(key) for key in facts} == facts else None
        content[name] = {"fixed": kept or str(today or date.today()), **facts}
    write_whole(runs.PUBLISHED["canaries"] / MARGINS, json.dumps(content, indent=1) + "\n")
