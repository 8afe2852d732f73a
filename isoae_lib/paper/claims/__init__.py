"""Every claim of the paper as a rule over runs, with a verdict that is printed whatever it is.

A rule is written, and committed, before the runs that it judges. `rule` says what a claim and a
verdict are, `gates` when one is judged at all, `chance` how often a rule passes by chance; the
other modules hold the claims, by what they are about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from isoae_lib.paper.claims import downstream, images, surfaces, theory
from isoae_lib.paper.claims.rule import Outcome, Remark, Table, Verdict

CHAPTERS = {  # the page whose runs decide a claim is the one that shows its verdict
    "01_theory": theory.CLAIMS,
    "02_toy_projection": surfaces.CURVE_CLAIMS,
    "03_evaluation_3d": surfaces.SURFACE_CLAIMS,
    "04_visualization": images.PLANE_CLAIMS,
    "05_classification": downstream.CODE_CLAIMS,
    "06_sensitivity": images.LAMBDA_CLAIMS,
    "07_generalization": downstream.UNSEEN_CLAIMS,
}
CLAIMS = tuple(claim for group in CHAPTERS.values() for claim in group)
WITHOUT_RULE = (
    Remark(
        "expressive power", "3",
        "promoting an isometry does not limit the expressive power of the decoder",
        "A theorem that the paper cites, on limits of maps that no finite network reaches: no run "
        "could support or refute it.",
    ),
    Remark(
        "easily incorporated", "5",
        "can be easily incorporated into existing autoencoders architectures",
        "It names nothing that could be counted; that this project trains six architectures with "
        "the same two losses is all that there is to say.",
    ),
)  # fmt: skip
MARKS = "<!-- verdicts -->\n", "<!-- end of verdicts -->\n"  # around the count on a page


def ledger(runs: Table, chapter: str = "") -> list[Outcome]:
    """Judge every claim, or those of one of the `CHAPTERS`."""
    outcomes = []
    for claim in CHAPTERS[chapter] if chapter else CLAIMS:
        ours, reached, judged = claim.judge(runs)
        outcomes.append(
            Outcome(claim, ours, reached, {key: runs[key] for key in judged if key in runs})
        )
    return outcomes


def tally(ledgers: Mapping[str, Iterable[Outcome]]) -> str:
    """Count the verdicts: a table in Markdown, one row for each ledger, under its name."""
    lines = [["", *Verdict], ["---"] * (1 + len(Verdict))]
    for name, outcomes in ledgers.items():
        counts = Counter(outcome.verdict for outcome in outcomes)
        lines.append([name, *(str(counts[verdict]) for verdict in Verdict)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def with_count(page: str, count: str, marks: tuple[str, str] = MARKS) -> str:
    """Return a page in Markdown with another count of verdicts between its marks."""
    before, begin, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    return before + begin + count + end + after
