"""The verdicts that are committed in `data/verdicts.json`, for programs and for comparison."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from isoae_lib.files import ROOT, write_whole
from isoae_lib.paper import claims
from isoae_lib.paper.claims import chance
from isoae_lib.paper.claims.rule import Outcome, Table

FILE = ROOT / "data" / "verdicts.json"
# Around the table of changed verdicts on the page of decisions.
CHANGED = "<!-- changed -->\n", "<!-- end of changed -->\n"


def read() -> dict[str, Any]:
    """Return the content of the file.

    Returns
    -------
    dict
        "claims": name -> "verdict" and "chance", the share of tables with dealt names on which it
        is reproduced, or None. "before": verdicts by the rules before decision J. Both are empty
        where there is no file.
    """
    if not FILE.is_file():
        return {"claims": {}, "before": {}}
    return json.loads(FILE.read_text(encoding="utf-8"))


def chances() -> dict[str, float]:
    """Return how often rules pass by chance, by claim; those that no run decides are left out."""
    known = read()["claims"]
    return {name: of["chance"] for name, of in known.items() if of["chance"] is not None}


def warning(name: str, known: dict[str, float]) -> str:
    """Say how often a rule passes by chance, if that is often."""
    share = known.get(name, 0.0)
    return f"chance passes {100 * share:.0f} %" if share > chance.OFTEN else ""


def renew(runs: Table) -> str:
    """Write the file, and every page that counts verdicts; return the count as a table.

    Raises
    ------
    InputError
        If a page cannot be written.
    """
    outcomes = claims.ledger(runs)
    found = {
        outcome.claim.name: {
            "verdict": str(outcome.verdict), "chance": chance.chance(outcome.claim, runs),
        }
        for outcome in outcomes
    }  # fmt: skip
    content = {"claims": found, "before": read()["before"]}
    write_whole(FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    count = claims.tally({"published runs": outcomes})
    for page, text, marks in (
        (ROOT / "README.md", count, claims.MARKS),
        (ROOT / "book" / "intro.md", f"\n{count}\n", claims.MARKS),
        (ROOT / "book" / "decisions.md", table_of_changes(content), CHANGED),
    ):
        write_whole(page, claims.with_count(page.read_text(encoding="utf-8"), text, marks))
    return count


def lines(outcomes: Iterable[Outcome]) -> list[str]:
    """Return one line per claim: verdict, name, section, and how often chance passes its rule."""
    known, shown = chances(), []
    for outcome in outcomes:
        claim = outcome.claim
        words = f"{outcome.verdict:<28s}{claim.name:<34s}{claim.section:<18s}"
        shown.append(f"{words}{warning(claim.name, known)}".rstrip())
    return shown + [
        f"{'no rule':<28s}{remark.name:<34s}{remark.section}" for remark in claims.WITHOUT_RULE
    ]


def differing(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the names of claims whose verdict is not the committed one, or that have none."""
    ours = {outcome.claim.name: str(outcome.verdict) for outcome in outcomes}
    theirs = {name: of["verdict"] for name, of in read()["claims"].items()}
    return [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]


def rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """Return all claims as a program reads them; those without a rule say why."""
    known = chances()
    return [
        {
            "name": o.claim.name, "section": o.claim.section, "says": o.claim.says,
            "paper": o.claim.paper, "ours": o.ours, "seeds": o.seeds, "rule": o.claim.rule,
            "verdict": str(o.verdict), "runs": ["/".join(key) for key in o.runs],
            "chance": known.get(o.claim.name),
        }
        for o in outcomes
    ] + [
        {
            "name": remark.name, "section": remark.section, "says": remark.says,
            "paper": "in words", "ours": remark.why, "seeds": [], "rule": None, "verdict": None,
            "runs": [], "chance": None,
        }
        for remark in claims.WITHOUT_RULE
    ]  # fmt: skip


def table_of_changes(content: dict[str, Any]) -> str:
    """Return a table in Markdown: what each verdict was before decision J, and is now."""
    now = {name: of["verdict"] for name, of in content["claims"].items()}
    before = content["before"]
    cells = [(name, before.get(name, "–"), now.get(name, "dropped")) for name in {**before, **now}]
    lines = [("claim", "verdict before", "verdict now"), ("---",) * 3]
    lines += [tuple(cell.replace("|", "\\|") for cell in row) for row in cells]
    return "\n" + "".join(f"| {' | '.join(row)} |\n" for row in lines) + "\n"
