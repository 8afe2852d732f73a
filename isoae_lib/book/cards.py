"""What a page ends with: the verdicts on its claims, and where its numbers come from."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence
from textwrap import fill

import matplotlib.pyplot as plt
from IPython.display import HTML
from matplotlib.figure import Figure

from isoae_lib.paper.claims import committed
from isoae_lib.paper.claims.rule import Outcome, Verdict
from isoae_lib.paper.runs import Run

VERDICT_COLOURS = {  # of the bar, and of the words on it
    Verdict.REPRODUCED: ("#0072B2", "white"),
    Verdict.PARTLY: ("#56B4E9", "black"),
    Verdict.NOT: ("#D55E00", "white"),
    Verdict.UNDECIDED: ("#F0E442", "black"),
    Verdict.NOT_ATTEMPTED: ("#BBBBBB", "black"),
}


def provenance(named: Sequence[tuple[str, Run]], preset: str, repeat: str) -> HTML:
    """Show a card: number and size of runs, preset, time, device, code, the command to repeat.

    Parameters
    ----------
    named : sequence of (name, Run)
    repeat : str
        The command that makes these runs again.
    """
    runs = [run for _, run in named]
    records = [run.record for run in runs]
    diverged = sum(record["status"] != "finished" for record in records)
    seconds: Counter[str] = Counter()
    for record in records:
        seconds[record["device"]] += record["seconds"]
    versions = (" ".join(f"{k} {v}" for k, v in r["versions"].items()) for r in records)
    facts = {
        "preset": preset,
        "training runs": f"{len(runs)}, of which {diverged} diverged",
        "steps": _distinct(f"{run.spec.steps:,} of {run.spec.batch} points" for run in runs),
        "training time": _distinct(f"{s:,.0f} s on {where}" for where, s in seconds.items()),
        "versions": _distinct(versions),
        "commit": _distinct(record["commit"] for record in records),
        "repeat": f"<code>{repeat}</code>",
        "not the official data": _distinct(
            run.spec.data for run in runs if not run.record["data"]["official"]
        ),
    }
    rows = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in facts.items() if v)
    keys = "".join(
        f"<li><code>{run.spec.key}</code> {html.escape(name)}, seed {run.spec.seed}</li>"
        for name, run in named
    )
    return HTML(
        f"<div class='provenance'><table class='table'>{rows}</table>"
        f"<details><summary>keys and names of the runs</summary><ul>{keys}</ul></details></div>"
    )


def _distinct(facts: Iterable[str]) -> str:
    return "; ".join(sorted(set(facts)))


def verdict_table(ledger: Iterable[Outcome]) -> HTML:
    """Show outcomes: what the paper says, the verdict with its rule, and both figures.

    A rule that passes by chance often says so.
    """
    known = committed.chances()
    head = ("the paper says", "verdict", "ours", "paper")
    lines = ["<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"]
    for outcome in ledger:
        claim = outcome.claim
        cells = [
            f"{html.escape(claim.says)} <small>(section {claim.section})</small>",
            _verdict(outcome.verdict) + _folded(claim.rule, committed.warning(claim.name, known)),
            html.escape(outcome.ours),
            html.escape(claim.paper),
        ]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return HTML(f"<div class='ledger'><table class='table'>{''.join(lines)}</table></div>")


def _verdict(verdict: Verdict) -> str:
    colour, ink = VERDICT_COLOURS[verdict]
    style = f"background:{colour};color:{ink};padding:0 .4em"
    return f"<strong style='{style}'>{verdict}</strong>"


def _folded(rule: str, warning: str) -> str:
    """Return a rule that a click unfolds, under what is said of it."""
    beside = f" <small>{warning}</small>" if warning else ""
    return f"{beside}<details><summary>rule</summary>{html.escape(rule)}</details>"


def verdict_bars(ledger: Iterable[Outcome]) -> Figure:
    """One bar of verdicts: how many claims ended in each."""
    figure, axes = plt.subplots(figsize=(8, 1.3))
    counts, left = Counter(outcome.verdict for outcome in ledger), 0
    for verdict in [verdict for verdict in Verdict if counts[verdict]]:
        colour, ink = VERDICT_COLOURS[verdict]
        axes.barh(0, counts[verdict], left=left, color=colour, edgecolor="white")
        words, middle = f"{fill(verdict, 14)}\n{counts[verdict]}", left + counts[verdict] / 2
        axes.text(middle, 0, words, ha="center", va="center", color=ink)
        left += counts[verdict]
    axes.axis("off")
    return figure
