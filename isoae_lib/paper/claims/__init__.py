"""Every claim of the paper as a rule over runs, with a verdict that is printed whatever it is.

A rule is written, and committed, before the runs that it judges. `rule` says what a claim and a
verdict are; the other modules hold the claims, by what they are about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from isoae_lib.paper.claims import downstream, images, surfaces
from isoae_lib.paper.claims.rule import Outcome, Table, Verdict

CLAIMS = (*surfaces.CLAIMS, *images.CLAIMS, *downstream.CLAIMS)
MARKS = "<!-- verdicts -->\n", "<!-- end of verdicts -->\n"  # around the count on a page


def ledger(runs: Table, *parts: str) -> list[Outcome]:
    """Judge every claim, or those of the `parts` of the paper: sections that begin so."""
    outcomes = []
    for claim in CLAIMS:
        if claim.section.startswith(parts or ""):
            ours, verdict, judged = claim.judge(runs)
            outcomes.append(Outcome(claim, ours, verdict, {key: runs[key] for key in judged}))
    return outcomes


def tally(ledgers: Mapping[str, Iterable[Outcome]]) -> str:
    """Count the verdicts: a table in Markdown, one row for each ledger, under its name."""
    lines = [["", *Verdict], ["---"] * (1 + len(Verdict))]
    for name, outcomes in ledgers.items():
        counts = Counter(outcome.verdict for outcome in outcomes)
        lines.append([name, *(str(counts[verdict]) for verdict in Verdict)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def with_count(page: str, count: str) -> str:
    """Return a page in Markdown with another count of verdicts between its marks."""
    before, begin, rest = page.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    return before + begin + count + end + after
