"""What a page ends with: where its numbers come from."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Sequence

from IPython.display import HTML

from isoae_lib.paper.runs import Run


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
