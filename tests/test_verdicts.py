"""Every claim is in one chapter and in the ledger, with the badge of its verdict and no other."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import cycle
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_hex, to_rgb

from isoae_lib.book import page, verdicts
from isoae_lib.files import ROOT
from isoae_lib.paper import claims, sections
from isoae_lib.paper.claims import committed
from isoae_lib.paper.claims.rule import Outcome, Verdict

SIGNS = {
    "reproduced": "✓", "partly": "◐", "not": "✗", "undecided": "?",
    "not attempted at this scale": "–",
}  # fmt: skip
ANCHORS = sorted(verdicts.anchor(claim) for claim in claims.CLAIMS)


@pytest.fixture
def judged():
    """Every claim, by chapter, with one verdict after the other."""
    each = cycle(Verdict)
    return {
        chapter: [Outcome(claim, f"<{claim.name}>", next(each), {}) for claim in group]
        for chapter, group in claims.CHAPTERS.items()
    }


def cards(shown):
    return BeautifulSoup(shown["text/html"], "html.parser").find_all("li")


def test_every_claim_is_in_one_chapter_and_in_the_ledger(judged, monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda output, raw: shown.append(output))
    monkeypatch.setattr(claims.theory, "_error", lambda name: 0.0)
    for stem in sections.NOTEBOOKS:
        if "chapter.verdicts()" in (ROOT / "notebooks" / f"{stem}.py").read_text(encoding="utf-8"):
            page.Chapter(stem, "smoke", {}, [], []).verdicts()
    assert sorted(card["id"] for output in shown for card in cards(output)) == ANCHORS
    assert sorted(card["id"] for card in cards(verdicts.ledger(judged))) == ANCHORS
    assert len(set(ANCHORS)) == len(claims.CLAIMS)


def test_a_chapter_shows_the_verdicts_of_the_published_runs(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda output, raw: shown.append(output))
    good, bad = (
        [(f"toy/curve/{m}", SimpleNamespace(
            spec=sections.spec(f"toy/curve/{m}", "published", seed), record={},
            metrics={"rmse": 0.0, "spacing_variation": value, "spacing_variation_above": value,
                     "spacing_variation_below": value}))
         for m, value in (("I-AE", ours), ("CAE", 1.0)) for seed in range(3)]
        for ours in (0.25, 2.0)
    )  # fmt: skip
    page.Chapter("02_toy_projection", "smoke", {}, bad, good).verdicts()
    page.Chapter("02_toy_projection", "smoke", {}, good, bad).verdicts()
    first, second = (output["text/plain"].splitlines()[0] for output in shown)
    assert first.startswith("✓ reproduced: even sampling (1, Figure 1): I-AE 0.25")
    assert second.startswith("✗ not: even sampling (1, Figure 1): I-AE 2.00")
    (facts, _) = (card.dl.get_text("|", strip=True) for card in cards(shown[0]))
    assert "|scale|20,000 steps, each on 16 of 16 points, 3 layers of 128|" in facts
    assert facts.endswith("|seeds|0, 1, 2|runs|toy/curve|: I-AE, CAE")


@pytest.mark.parametrize("page_of", ["ledger", "chapter"])
def test_each_claim_has_its_own_badge_facts_and_link(judged, page_of):
    known = committed.chances()
    for chapter, outcomes in judged.items():
        if page_of == "ledger":
            shown, there = verdicts.ledger({chapter: outcomes}), chapter
        else:
            shown, there = verdicts.of_chapter(outcomes), sections.LEDGER
        found = cards(shown)
        lines = [line for line in shown["text/plain"].splitlines() if "): <" in line]
        for outcome, card, line in zip(outcomes, found, lines, strict=True):
            claim, verdict = outcome.claim, str(outcome.verdict)
            (badge,) = card.find_all(class_="verdict")
            assert badge.get_text() == f"{SIGNS[verdict]} {verdict}"
            assert badge.i["aria-hidden"] == "true" and badge.i.get_text() == SIGNS[verdict]
            assert verdicts.BADGES[outcome.verdict][1] in badge["style"]
            assert card["data-verdict"] == verdict
            assert card.strong.get_text() == claim.name and card.q.get_text() == claim.says
            assert card.a["href"] == f"{there}.html#{card['id']}"
            often = committed.warning(claim.name, known)
            assert card.find("p").get_text(strip=True).endswith(often)
            facts = [dd.get_text() for dd in card.find_all("dd")]
            assert facts == [outcome.ours, claim.paper, claim.rule]
            assert line == (
                f"{SIGNS[verdict]} {verdict}: {claim.name} ({claim.section}): {outcome.ours}"
            )


def test_the_ledger_says_how_many_claims_have_each_verdict_and_section(judged):
    shown = BeautifulSoup(verdicts.ledger(judged)["text/html"], "html.parser")
    by_verdict, by_section = shown.find_all(class_="counts")
    every = [o for outcomes in judged.values() for o in outcomes]
    assert [span["data-verdict"] for span in by_verdict.find_all("span")] == list(Verdict)
    for span in by_verdict.find_all("span"):
        count = sum(o.verdict == span["data-verdict"] for o in every)
        assert span.get_text().endswith(f"{span['data-verdict']}: {count}")
    parts = [span["data-section"] for span in by_section.find_all("span")]
    assert parts == ["1", "3", "3.1", "4.1", "4.2", "4.3", "4.4", "A.2.1"]
    for card in shown.find_all("li"):
        assert set(card["data-section"].split("; ")) <= set(parts)
    of_pca = shown.find(id="claim-the-linear-case-is-pca")
    assert of_pca["data-section"] == "1; 3"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("3d/s-shape/I-AE", "100,000 steps, each on 200 of 2,000 points, 5 layers of 256"),
        ("visualization-FC/mnist/AE",
         "46,875 steps, each on 128 of 60,000 images, FC-NN at its printed width"),
        ("sensitivity/mnist/I-AE",
         "4,690 steps, each on 128 of 60,000 images, S-CNN at 1/2 of its printed width"),
    ],
)  # fmt: skip
def test_the_scale_of_runs_is_said_in_words(name, words):
    run = SimpleNamespace(spec=sections.spec(name, "published"))
    assert verdicts.scale({("here", "AE"): [run, run], ("there", "AE"): [run]}) == words


def test_every_verdict_has_its_sign_and_a_meaning_in_the_introduction():
    intro = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", intro, re.MULTILINE) == list(Verdict)
    assert {v: sign for v, (sign, *_) in verdicts.BADGES.items()} == SIGNS
    assert list(verdicts.BADGES) == list(Verdict)


def luminance(colour):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts))


def test_badges_can_be_read_and_what_is_not_reproduced_is_red_and_what_is_is_blue():
    for _, colour, ink in verdicts.BADGES.values():
        dark, light = sorted(map(luminance, (colour, ink)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5  # what WCAG asks of small text
    colours = {verdict: to_rgb(colour) for verdict, (_, colour, _) in verdicts.BADGES.items()}
    assert len(set(colours.values())) == len(Verdict)
    blue = {verdict: b > r for verdict, (r, _, b) in colours.items()}
    assert blue["reproduced"] and blue["partly"] and not blue["not"]
    r, g, b = colours["not"]
    assert r > 2 * g > 2 * b


def test_a_bar_has_the_length_and_the_colour_of_its_verdict():
    figure = verdicts.bar(Verdict(v) for v in ("not", "reproduced", "not", "not"))
    (axes,) = figure.axes
    bars = zip(axes.get_yticklabels(), axes.patches, strict=True)
    drawn = {
        label.get_text(): (bar.get_width(), to_hex(bar.get_facecolor())) for label, bar in bars
    }
    assert drawn == {
        f"{verdict} {SIGNS[verdict]}": (
            {"not": 3, "reproduced": 1}.get(verdict, 0), verdicts.BADGES[verdict][1].lower()
        )
        for verdict in Verdict
    }  # fmt: skip
    plt.close(figure)


CLICKS = """
<script>
addEventListener("load", () => {
  const report = (name) => {
    const cards = [...document.querySelectorAll(".ledger li")].filter((li) => li.checkVisibility());
    document.body.dataset[name] = cards.map((li) => li.id).join(" ") + "; "
      + document.querySelector("[role=status]").textContent;
  };
  const press = (name) => document.querySelector(`.ledger button[data-${name}]`).click();
  report("whole");
  press("verdict='not'"); report("not");
  press("section='4.4'"); report("notIn44");
  press("verdict='partly'"); report("two");
  const buttons = [...document.querySelectorAll(".ledger button")];
  document.body.dataset.pressed = buttons.filter((b) => b.getAttribute("aria-pressed") === "true")
    .map((b) => b.textContent).join(" | ");
  buttons.find((b) => b.textContent === "show all").click(); report("again");
  document.body.dataset.open = [...document.querySelectorAll("details[open]")]
    .map((details) => details.closest("li").id).join(" ");
});
</script>
"""


@pytest.mark.slow
def test_buttons_choose_what_the_ledger_shows_in_a_browser(judged, tmp_path):
    browser = shutil.which("chromium") or pytest.skip("no chromium")
    script = (ROOT / "book" / "static" / "ledger.js").as_uri()
    html = verdicts.ledger(judged)["text/html"]
    file = tmp_path / "page.html"
    file.write_text(
        f"<!doctype html><meta charset=utf-8><script src='{script}'></script>{html}{CLICKS}",
        encoding="utf-8",
    )
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    address = f"{file.as_uri()}#claim-lemma-2"
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={tmp_path}/profile", "--dump-dom", address],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    body = BeautifulSoup(done.stdout, "html.parser").body
    every = [o for outcomes in judged.values() for o in outcomes]

    def said(wanted):
        ids = [verdicts.anchor(o.claim) for o in every if wanted(o)]
        return f"{' '.join(ids)}; {len(ids)} of {len(every)} claims are shown."

    def in_44(outcome):
        return outcome.claim.section.startswith("4.4")

    assert body["data-whole"] == body["data-again"] == said(lambda o: True)
    assert body["data-not"] == said(lambda o: o.verdict == "not")
    assert body["data-not-in44"] == said(lambda o: o.verdict == "not" and in_44(o))
    assert body["data-two"] == said(lambda o: o.verdict in ("not", "partly") and in_44(o))
    assert re.fullmatch(r"◐ partly: \d+ \| ✗ not: \d+ \| section 4.4: 5", body["data-pressed"])
    assert body["data-open"] == "claim-lemma-2"
