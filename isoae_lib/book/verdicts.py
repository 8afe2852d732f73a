"""Verdicts as a reader meets them: a badge, the list of a chapter, the ledger, a bar."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction
from html import escape

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from isoae_lib.files import ROOT
from isoae_lib.paper import sections
from isoae_lib.paper.claims import committed
from isoae_lib.paper.claims.rule import Claim, Outcome, Table, Verdict
from isoae_lib.paper.specs import RunSpec

# Sign, colour and ink of a badge. In grey, the sign and the word still tell them apart.
BADGES = {
    Verdict.REPRODUCED: ("✓", "#0072B2", "white"),
    Verdict.PARTLY: ("◐", "#56B4E9", "black"),
    Verdict.NOT: ("✗", "#B84A00", "white"),
    Verdict.UNDECIDED: ("?", "#F0E442", "black"),
    Verdict.NOT_ATTEMPTED: ("–", "#BBBBBB", "black"),
}
Shown = dict[str, str]  # the forms of an output, as `display(..., raw=True)` takes them


def badge(words: str, sign: str, colour: str, ink: str) -> str:
    """Return words with a sign before them, in colours; the sign is not read aloud."""
    style = f"background:{colour};color:{ink}"
    return f"<b class='verdict' style='{style}'><i aria-hidden='true'>{sign}</i> {words}</b>"


def anchor(claim: Claim) -> str:
    """Return the name of a claim's place, the same in the ledger and in its chapter."""
    return "claim-" + re.sub(r"[^a-z0-9]+", "-", claim.name.lower()).strip("-")


def title(chapter: str) -> str:
    """Return the first heading of a notebook."""
    text = (ROOT / "notebooks" / f"{chapter}.py").read_text(encoding="utf-8")
    return text.partition("# # ")[2].partition("\n")[0]


def of_chapter(outcomes: Iterable[Outcome]) -> Shown:
    """Show the verdicts of one chapter, each with a link to its place in the ledger."""
    every = list(outcomes)
    shown = _list(every, sections.LEDGER, "in the ledger")
    return {"text/html": f"<div class='ledger'>{shown}</div>", "text/plain": as_text(every)}


def ledger(chapters: Mapping[str, list[Outcome]]) -> Shown:
    """Show the verdicts of all chapters, by chapter, below how many there are of each kind.

    `book/static/ledger.js` makes buttons of the counts, which choose what is shown.
    """
    every = [outcome for outcomes in chapters.values() for outcome in outcomes]
    verdicts = Counter(outcome.verdict for outcome in every)
    parts = Counter(part for outcome in every for part in _parts(outcome.claim))
    counts = [
        _counts("verdict", {v: (badge(v, *BADGES[v]), verdicts[v]) for v in Verdict}),
        _counts("section", {part: (f"section {part}", parts[part]) for part in sorted(parts)}),
    ]
    lists = [
        f"<section><h3>{escape(title(chapter))}</h3>\n"
        f"{_list(outcomes, chapter, 'in its chapter')}</section>"
        for chapter, outcomes in chapters.items()
    ]
    text = [f"{title(chapter)}\n{as_text(outcomes)}" for chapter, outcomes in chapters.items()]
    return {
        "text/html": "\n".join(["<div class='ledger'>", *counts, *lists, "</div>"]),
        "text/plain": "\n\n".join(text),
    }


def as_text(outcomes: Iterable[Outcome]) -> str:
    """Return one line per claim, so that a comparison of pages shows which verdict changed."""
    return "\n".join(
        f"{BADGES[o.verdict][0]} {o.verdict}: {o.claim.name} ({o.claim.section}): {o.ours}"
        for o in outcomes
    )


def _parts(claim: Claim) -> list[str]:
    """Return the sections of the paper in which a claim stands, without tables and equations."""
    return re.findall(r"(?:^|, )((?:A\.)?[\d.]+)", claim.section.partition(" (")[0])


def _counts(kind: str, counts: Mapping[str, tuple[str, int]]) -> str:
    """Return how many claims there are of each verdict, or of each section."""
    of_each = "".join(
        f"<span data-{kind}='{value}'>{shown}: <strong>{count}</strong></span>\n"
        for value, (shown, count) in counts.items()
    )
    return f"<div class='counts' role='group' aria-label='claims by {kind}'>\n{of_each}</div>"


_CARD = """\
<li id='{anchor}' data-verdict='{verdict}' data-section='{parts}'>
<p>{badge} <small>{often}</small></p>
<div><p><strong>{name}</strong> <q>{says}</q>
<small>section {section} · <a href='{page}.html#{anchor}'>{where}</a></small></p>
<details><summary>numbers, rule and runs</summary>
<dl>
{facts}</dl></details></div></li>
"""


def _list(outcomes: Iterable[Outcome], page: str, where: str) -> str:
    """Return claims as cards, each with a link to itself on another page."""
    known, cards = committed.chances(), []
    for outcome in outcomes:
        claim, verdict = outcome.claim, outcome.verdict
        facts = "".join(f"<dt>{k}</dt><dd>{v}</dd>\n" for k, v in _facts(outcome).items() if v)
        cards.append(_CARD.format(
            anchor=anchor(claim), verdict=verdict, parts="; ".join(_parts(claim)),
            badge=badge(verdict, *BADGES[verdict]), often=committed.warning(claim.name, known),
            name=escape(claim.name), says=escape(claim.says), section=claim.section,
            page=page, where=where, facts=facts,
        ))  # fmt: skip
    return f"<ul>\n{''.join(cards)}</ul>"


def _facts(outcome: Outcome) -> dict[str, str]:
    """Return what unfolds under a claim, as HTML by name; what is not there is empty."""
    by_experiment: dict[str, list[str]] = {}
    for experiment, method in outcome.runs:
        by_experiment.setdefault(experiment, []).append(method)
    return {
        "published": escape(outcome.ours),
        "paper": escape(outcome.claim.paper),
        "rule": escape(outcome.claim.rule),
        "scale": escape(scale(outcome.runs)),
        "seeds": ", ".join(map(str, outcome.seeds)),
        "runs": "<br>".join(
            f"<code>{experiment}</code>: {', '.join(methods)}"
            for experiment, methods in by_experiment.items()
        ),
    }


def scale(runs: Table) -> str:
    """Say in words how large runs are: width, steps, and points or images."""
    specs = [run.spec for group in runs.values() for run in group]
    return "; ".join(dict.fromkeys(map(_scale, specs)))


def _scale(spec: RunSpec) -> str:
    size = f"{spec.steps:,} steps, each on {spec.batch} of {spec.points:,}"
    if not spec.of_images:
        return f"{size} points, {spec.depth} layers of {spec.width}"
    share = f"{Fraction(spec.width_factor)} of " if spec.width_factor != 1 else ""
    return f"{size} images, {spec.network} at {share}its printed width"


def bar(verdicts: Iterable[Verdict]) -> Figure:
    """How many claims ended in each verdict: a bar of each kind."""
    counts = Counter(verdicts)
    figure, axes = plt.subplots(figsize=(5, 2.2))
    bars = axes.barh(
        [f"{verdict} {sign}" for verdict, (sign, *_) in BADGES.items()],
        [counts[verdict] for verdict in BADGES],
        color=[colour for _, colour, _ in BADGES.values()], edgecolor="#555555", linewidth=0.5,
    )  # fmt: skip
    axes.bar_label(bars, padding=4)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.grid(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    return figure
