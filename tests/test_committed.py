"""The committed verdicts are those of the published runs, and all pages that count them agree."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from isoae_lib.cli import app
from isoae_lib.files import ROOT
from isoae_lib.paper import claims, runs
from isoae_lib.paper.claims import chance, committed, rule

FIELDS = ("name", "section", "says", "paper", "ours", "seeds", "rule", "verdict", "runs")


@pytest.fixture(scope="module")
def published():
    return rule.table(runs.published())


@pytest.fixture(scope="module")
def outcomes(published):
    return claims.ledger(published)


def test_the_committed_verdicts_are_those_of_the_published_runs(outcomes):
    """If this fails, run `isoae runs verdicts`."""
    assert committed.differing(outcomes) == []


def test_every_page_has_the_committed_count_and_the_table_of_changes(outcomes):
    """If this fails, run `isoae runs verdicts`."""
    count = claims.tally({"published runs": outcomes})
    changes = committed.table_of_changes(committed.read())
    for page, text, marks in (
        ("README.md", count, claims.MARKS),
        ("book/intro.md", f"\n{count}\n", claims.MARKS),
        ("book/decisions.md", changes, committed.CHANGED),
    ):
        there = (ROOT / page).read_text(encoding="utf-8")
        assert text in there and claims.with_count(there, text, marks) == there


def test_a_claim_whose_name_has_bars_is_one_cell():
    content = {"claims": {"|A|": {"verdict": "not", "chance": None}}, "before": {"old": "partly"}}
    assert "| \\|A\\| | – | not |\n" in committed.table_of_changes(content)
    assert "| old | partly | dropped |\n" in committed.table_of_changes(content)


@pytest.mark.parametrize("name", ["lowest std, S shape", "even sampling", "L_rec rises", "Lemma 1"])
def test_how_often_chance_passes_is_what_is_committed(name, published):
    (claim,) = [claim for claim in claims.CLAIMS if claim.name == name]
    assert chance.chance(claim, published) == committed.read()["claims"][name]["chance"]


def test_a_rule_that_chance_passes_often_says_so():
    assert committed.warning("a", {"a": 0.16}) == "chance passes 16 %"
    assert committed.warning("a", {"a": 0.05}) == committed.warning("a", {}) == ""


def test_a_program_reads_every_claim_with_all_its_fields(outcomes, monkeypatch):
    monkeypatch.setattr(claims, "ledger", lambda table: outcomes)
    monkeypatch.setattr(runs, "published", tuple)
    done = CliRunner().invoke(app, ["claims", "--json"])
    rows = json.loads(done.stdout)
    assert done.exit_code == 0 and len(rows) >= 33
    assert all(set(FIELDS) <= set(row) for row in rows)
    assert sum(row["rule"] is None for row in rows) == len(claims.WITHOUT_RULE) <= 3
    assert {row["verdict"] for row in rows} <= {*rule.Verdict, None}
    (one,) = [row for row in rows if row["name"] == "even sampling"]
    assert one["seeds"] == [0, 1, 2] and one["runs"] == ["toy/curve/I-AE", "toy/curve/CAE"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_verdict_that_is_not_the_committed_one_is_named_and_fails(options, monkeypatch):
    (claim,) = [claim for claim in claims.CLAIMS if claim.name == "even sampling"]
    other = SimpleNamespace(claim=claim, ours="", seeds=[], runs={}, verdict=rule.Verdict.NOT)
    known = {"claims": {"even sampling": {"verdict": "not", "chance": 0.5}}, "before": {}}
    monkeypatch.setattr(claims, "ledger", lambda table: [other])
    monkeypatch.setattr(runs, "published", tuple)
    monkeypatch.setattr(committed, "read", lambda: known)
    assert CliRunner().invoke(app, ["claims", *options]).exit_code == 0
    known["claims"]["even sampling"]["verdict"] = "partly"
    done = CliRunner().invoke(app, ["claims", *options])
    assert done.exit_code == 1 and "even sampling" in done.stderr
