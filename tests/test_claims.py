"""Every claim can end in every verdict, and follows its rule."""

from __future__ import annotations

import re
from itertools import product
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from isoae_lib.book import cards
from isoae_lib.files import ROOT
from isoae_lib.paper import claims, runs, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.claims.images import TITLES
from isoae_lib.paper.claims.rule import Verdict
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.printed import table_1

GOOD = {
    "edge_ratio_std": 0.05, "extra_area": 0.0, "singular_value_p05": 0.95,
    "singular_value_p95": 1.05, "pinv_error": 0.1, "distance_correlation": 0.999,
    "spacing_variation": 0.1, "spacing_variation_above": 0.1, "spacing_variation_below": 0.1,
    "crowding": 1.0, "ring_variation": 0.1, "knn_accuracy": 0.9,
    "svm": 0.97, "knn": 0.9, "error_per_pixel": 0.01, "frechet_rebuilt": 1.0,
    "mean_image_error": 0.5, "rmse": 0.2, "mean_image_rmse": 0.26,
}  # fmt: skip
BAD = {
    "edge_ratio_std": 1.0, "extra_area": 1.0, "singular_value_p05": 0.1,
    "singular_value_p95": 9.0, "pinv_error": 5.0, "distance_correlation": 0.2,
    "spacing_variation": 0.9, "spacing_variation_above": 0.9, "spacing_variation_below": 0.9,
    "crowding": 2.0, "ring_variation": 0.9, "knn_accuracy": 0.2,
    "svm": 0.5, "knn": 0.7, "error_per_pixel": 0.1, "frechet_rebuilt": 9.0,
    "mean_image_error": 0.5, "rmse": 0.2, "mean_image_rmse": 0.26,
}  # fmt: skip
SEEING, BLIND = ({"rmse": error, "mean_image_rmse": 0.26} for error in (0.2, 0.3))


def run_of(method, steps, metrics, losses=None, seed=0):
    return SimpleNamespace(
        spec=SimpleNamespace(method=method, steps=steps, seed=seed), metrics=metrics,
        record={"losses": losses or {}},
    )  # fmt: skip


def world(
    ours=lambda data, seed: GOOD,
    theirs=lambda data, seed: BAD,
    curves=lambda data: True,
    steps=5000,
    seeds=3,
    without=None,
):
    named = [
        (f"{section}/{data}/{method}",
         run_of(method, steps, unlike((ours if is_ours(section, method) else theirs)(data, seed),
                                      section, method, seed), seed=seed))
        for section, part in sections.SECTIONS.items()
        for data in part.data_sets
        for method in part.trained
        for seed in range(seeds)
        if section != "sensitivity"
    ]  # fmt: skip
    swept = [
        pair
        for data in ("mnist", "fashion-mnist")
        for pair in sensitivity(data, curves(data), steps, without or SEEING)
    ]
    return rule.table([*named, *swept])


def is_ours(section, method):
    """Table 7 has two variants of I-AE, which stand together."""
    return method.split(",")[0] == "I-AE" or (
        section == "generalization" and method == "I-AE-without-L_iso"
    )


def unlike(metrics, section, method, seed):
    """Let seeds differ a little in accuracy: the paired test needs a spread."""
    if section != "classification" or not metrics:
        return metrics
    return metrics | {name: metrics[name] + 1e-3 * seed * is_ours(section, method)
                      for name in ("svm", "knn")}  # fmt: skip


def sensitivity(data, as_printed, steps, errors):
    """Runs of Figure 6: losses and accuracy as in the paper, or the other way round."""
    for weight in sections.FIGURE_6_WEIGHTS:
        if as_printed:
            losses = {"L_rec": 0.03 + 0.01 * weight, "L_iso": 5 if weight == 0 else 0.1}
            accuracy = 0.8
        else:
            losses = {"L_rec": 1 / (0.01 + weight), "L_iso": 1 + weight}
            accuracy = weight
        losses["L_piso"] = losses["L_iso"]
        run = run_of("I-AE", steps, {"knn_accuracy": accuracy} | errors, losses)
        yield f"sensitivity/{data}/I-AE,weight={weight}", run


def passed(table):
    return {outcome.claim.name: outcome.verdict for outcome in claims.ledger(table)}


def test_all_is_reproduced_when_all_is_as_the_paper_says():
    assert set(passed(world()).values()) == {"reproduced"}


def test_nothing_is_reproduced_in_the_reverse_world():
    reverse = world(lambda *_: BAD, lambda *_: GOOD, lambda _: False)
    assert set(passed(reverse).values()) == {"not"}


@pytest.mark.parametrize("table", [{}, world(steps=40)])
def test_nothing_is_judged_from_short_runs_or_none(table):
    assert set(passed(table).values()) == {"not attempted at this scale"}


def test_every_claim_can_be_partly_true():
    # On the S shape and in MNIST's curves all is well; elsewhere I-AE is a little better, or better
    # by one number and worse by the other.
    def ours(data, seed):
        if data == "s-shape":
            return GOOD
        if data in TITLES:
            digits = data in ("mnist", "fashion-mnist")
            return BAD | {"crowding": (1.0, 2.1)[seed], "ring_variation": (0.1, 1.0)[seed],
                          "knn_accuracy": (0.9, 0.1)[seed], "error_per_pixel": 0.01,
                          "svm": 0.51 if digits else 0.96, "knn": 0.71 if digits else 0.5,
                          "frechet_rebuilt": 99.0}  # fmt: skip
        if data == "curve":
            return GOOD | {name: 0.5 for name in GOOD if name.startswith("spacing")}
        return BAD | {"edge_ratio_std": (0.1, 1.05)[seed], "frechet_rebuilt": 99.0}

    def theirs(data, seed):
        return BAD | ({"svm": 0.99, "knn": 0.99} if data == "coil20" else {})

    found = passed(world(ours, theirs, lambda data: data == "mnist", seeds=2))
    assert found.pop("lowest std, S shape") == "reproduced"
    assert set(found.values()) == {"partly"}


def test_reconstructions_worse_than_the_mean_image_are_not_judged():
    def unlearned(data, seed):
        return GOOD | {"mean_image_error": 0.005}

    found = passed(world(unlearned, unlearned))
    assert found["competitive reconstruction"] == "not attempted at this scale"


IN_THE_PLANE = {c.name for c in claims.CLAIMS if c.section.startswith("4.2")}
AGAINST_LAMBDA = {c.name for c in claims.CLAIMS if c.section.startswith("4.4")}


def test_images_that_are_rebuilt_worse_than_by_their_mean_are_not_judged():
    found = passed(world(lambda *_: GOOD | BLIND))
    unjudged = {name for name, verdict in found.items() if verdict == Verdict.NOT_ATTEMPTED}
    assert unjudged == IN_THE_PLANE
    found = passed(world(without=BLIND))
    assert {n for n, v in found.items() if v == Verdict.NOT_ATTEMPTED} == AGAINST_LAMBDA


def test_a_record_without_the_mean_image_has_that_of_another_seed():
    def first_is_older(error):
        return lambda data, seed: GOOD | {"rmse": error, "mean_image_rmse": (np.inf, 0.26)[seed]}

    for error, verdict in ((0.2, "reproduced"), (0.3, "not attempted at this scale")):
        found = passed(world(first_is_older(error), seeds=2))
        assert {found[name] for name in IN_THE_PLANE} == {verdict}


def test_a_rival_that_does_not_rebuild_the_images_has_lost():
    found = passed(world(lambda *_: BAD | SEEING, lambda *_: GOOD | BLIND))
    assert {found[name] for name in IN_THE_PLANE} == {"reproduced"}
    found = passed(world(lambda *_: BAD | SEEING, lambda *_: GOOD | SEEING))
    assert {found[name] for name in IN_THE_PLANE} == {"not"}


def test_a_diverged_rival_never_wins():
    found = passed(world(theirs=lambda *_: {}))
    assert set(found.values()) == {"reproduced"}


CORRELATED, CORRELATION = "distances preserved", "distance_correlation"
COIL, COMPETITIVE = "COIL-20 at 16 dimensions", "competitive reconstruction"


def spacing(value):
    return {name: value for name in GOOD if name.startswith("spacing")}


def interval(low, high):
    return {"singular_value_p05": low, "singular_value_p95": high}


@pytest.mark.parametrize(
    ("claim", "ours", "theirs", "verdict"),
    [
        ("even sampling", spacing(0.249), spacing(0.5), "reproduced"),
        ("even sampling", spacing(0.251), spacing(0.5), "partly"),
        ("even sampling", spacing(0.499), spacing(0.5), "partly"),
        ("even sampling", spacing(0.501), spacing(0.5), "not"),
        ("order of magnitude", {"edge_ratio_std": 0.1}, {"edge_ratio_std": 1.01}, "reproduced"),
        ("order of magnitude", {"edge_ratio_std": 0.1}, {"edge_ratio_std": 0.99}, "not"),
        ("isometric decoder", interval(0.901, 1.099), {}, "reproduced"),
        ("isometric decoder", interval(0.899, 1.099), {}, "not"),
        ("isometric decoder", interval(0.901, 1.101), {}, "not"),
        ("pseudo-inverse", {"pinv_error": 0.199}, {"pinv_error": 0.3}, "reproduced"),
        ("pseudo-inverse", {"pinv_error": 0.201}, {"pinv_error": 0.3}, "partly"),
        ("pseudo-inverse", {"pinv_error": 0.199}, {"pinv_error": 0.1}, "partly"),
        ("pseudo-inverse", {"pinv_error": 0.201}, {"pinv_error": 0.1}, "not"),
        (CORRELATED, {CORRELATION: 0.991}, {CORRELATION: 0.5}, "reproduced"),
        (CORRELATED, {CORRELATION: 0.989}, {CORRELATION: 0.5}, "partly"),
        (CORRELATED, {CORRELATION: 0.991}, {CORRELATION: 0.995}, "partly"),
        (CORRELATED, {CORRELATION: 0.989}, {CORRELATION: 0.995}, "not"),
        (COIL, {"svm": 0.951}, {"svm": 0.9}, "reproduced"),
        (COIL, {"svm": 0.949}, {"svm": 0.89}, "partly"),
        (COIL, {"svm": 0.951}, {"svm": 0.902}, "partly"),
        (COIL, {"svm": 0.949}, {"svm": 0.9}, "not"),
    ],
)
def test_a_verdict_turns_at_the_number_in_its_rule(claim, ours, theirs, verdict):
    found = passed(world(lambda *_: GOOD | ours, lambda *_: BAD | theirs, seeds=1))
    assert found[claim] == verdict


@pytest.mark.parametrize(
    ("first", "clear", "verdict"),
    [
        (14, 9, "reproduced"), (14, 8, "partly"), (13, 9, "partly"), (10, 0, "partly"),
        (9, 9, "not"),
    ],
)  # fmt: skip
def test_better_accuracy_counts_firsts_and_clear_firsts(first, clear, verdict):
    combinations = product(
        sections.SECTIONS["classification"].data_sets, sections.LATENTS, ("svm", "knn")
    )
    steady, shaky, behind = (0.10, 0.11, 0.12), (0.3, -0.1, 0.0), (-0.1, -0.1, -0.1)
    ahead = [steady] * clear + [shaky] * (first - clear) + [behind] * (18 - first)
    margins = dict(zip(combinations, ahead, strict=True))
    table = rule.table(
        (f"classification/{data}/{method},latent={d}",
         run_of(method, 5000, {m: 0.5 + (method == "I-AE") * margins[data, d, m][seed]
                               for m in ("svm", "knn")}, seed=seed))
        for data in sections.SECTIONS["classification"].data_sets
        for d in sections.LATENTS
        for method in sections.SECTIONS["classification"].methods
        for seed in range(3)
    )  # fmt: skip
    (found,) = [o for o in claims.ledger(table) if o.claim.name == "better accuracy"]
    assert f"first in {first} of 18 combinations, in {clear} by a paired test" in found.ours
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("close", "verdict"),
    [
        ({"mnist": "ef", "cifar10": "ef", "celeba": "e"}, "reproduced"),
        ({"mnist": "ef", "cifar10": "e"}, "partly"),
        ({"mnist": "ef", "cifar10": "f", "celeba": ""}, "partly"),
        ({"mnist": "ef", "cifar10": "", "celeba": ""}, "not"),
    ],
)
def test_competitive_is_at_most_five_percent_above_in_four_fifths_or_half(close, verdict):
    """What is close: the error per pixel (e), the Frechet distance (f); of no other data set."""

    def ours(data, seed):
        error, distance = (1.04 if letter in close.get(data, "") else 1.06 for letter in "ef")
        unlearned = {"mean_image_error": 0.5 if data in close else 0.1}
        return GOOD | {"error_per_pixel": 0.2 * error, "frechet_rebuilt": 3 * distance} | unlearned

    def theirs(data, seed):
        return GOOD | {"error_per_pixel": 0.2, "frechet_rebuilt": 3.0}

    assert passed(world(ours, theirs))[COMPETITIVE] == verdict


@pytest.mark.parametrize(("with_it", "verdict"), [(3, "partly"), (2, "reproduced")])
def test_the_real_distance_is_judged_where_every_run_has_it(with_it, verdict):
    def ours(data, seed):
        return GOOD | ({"fid": 2.0} if seed < with_it else {})

    assert passed(world(ours, lambda *_: BAD | {"fid": 1.0}))[COMPETITIVE] == verdict


def swept(losses_at, accuracy_at=lambda weight: 0.8):
    """MNIST's runs of Figure 6, with losses and accuracy that depend on the weight."""
    return rule.table(
        (f"sensitivity/mnist/I-AE,weight={w}",
         run_of("I-AE", 5000, {"knn_accuracy": accuracy_at(w)} | SEEING, losses_at(w)))
        for w in sections.FIGURE_6_WEIGHTS
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ratio", "range_", "verdict"),
    [
        (1.49, 0.09, "reproduced"), (1.51, 0.09, "partly"), (1.49, 0.11, "partly"),
        (1.51, 0.11, "not"),
    ],
)  # fmt: skip
def test_stable_is_a_half_in_loss_and_a_tenth_in_accuracy_from_001_to_05(ratio, range_, verdict):
    def losses(weight):
        errors = {0: 0.01, 0.01: 1.0, 0.5: ratio, 0.75: 99.0, 1: 99.0}
        return {"L_rec": errors.get(weight, 1.2), "L_iso": 1.0, "L_piso": 1.0}

    def accuracy(weight):
        return {0: 0.1, 0.01: 0.5 + range_, 0.75: 0.1, 1: 0.1}.get(weight, 0.5)

    assert passed(swept(losses, accuracy))["stable in lambda"] == verdict


@pytest.mark.parametrize(
    ("L_iso", "L_piso", "verdict"),
    [
        (0.49, 0.49, "reproduced"),
        (0.51, 0.49, "partly"),
        (0.49, 0.51, "partly"),
        (0.51, 0.51, "not"),
    ],
)
def test_to_fall_at_once_is_to_a_tenth(L_iso, L_piso, verdict):
    def losses(weight):
        after = {"L_iso": L_iso, "L_piso": L_piso} if weight else {"L_iso": 5.0, "L_piso": 5.0}
        return {"L_rec": 1.0 + weight} | after

    assert passed(swept(losses))["L_iso and L_piso fall at once"] == verdict


@pytest.mark.parametrize(
    ("order", "verdict"),
    [
        ((4, 1, 2, 3, 0, 5, 6, 7, 8, 9), "reproduced"),
        ((4, 1, 2, 3, 0, 6, 5, 7, 8, 9), "not"),
    ],
)
def test_to_rise_is_a_rank_correlation_of_four_fifths(order, verdict):
    """Spearman's is 1 - 6 sum d^2 / 990: 0.806 with sum d^2 = 32, and 0.794 with 34."""
    rank = dict(zip(sections.FIGURE_6_WEIGHTS, order, strict=True))
    table = swept(lambda weight: {"L_rec": 1.0 + rank[weight], "L_iso": 1.0, "L_piso": 1.0})
    assert passed(table)["L_rec rises"] == verdict


def test_every_claim_states_its_rule_and_where_it_stands():
    for claim in claims.CLAIMS:
        assert len(claim.rule) > 30 and claim.says and claim.section and claim.paper
    assert len({claim.name for claim in claims.CLAIMS}) == len(claims.CLAIMS)


def test_claims_on_all_flat_surfaces_are_not_judged_on_some_of_them():
    there = {key: group for key, group in world().items() if key[0] != "3d/swiss-roll"}
    unjudged = {name for name, v in passed(there).items() if v == Verdict.NOT_ATTEMPTED}
    assert unjudged == {
        "lowest std, Swiss roll", "order of magnitude", "isometric decoder", "pseudo-inverse",
        "distances preserved",
    }  # fmt: skip


@pytest.mark.parametrize("seeds", [1, 3])
def test_an_outcome_carries_the_runs_that_it_rests_on_and_no_others(seeds):
    table = world(seeds=seeds)
    for outcome in claims.ledger(table):
        judge = outcome.claim.judge
        found = judge(table)
        assert judge(outcome.runs) == found == (outcome.ours, outcome.verdict, found.judged)
        assert set(outcome.seeds) <= set(range(seeds)) and outcome.seeds
        for key in outcome.runs:
            less = {other: group for other, group in table.items() if other != key}
            assert judge(less) != found, (outcome.claim.name, key)


def test_what_is_not_attempted_rests_on_no_runs():
    assert not any(outcome.runs or outcome.seeds for outcome in claims.ledger({}))


def test_seeds_are_those_that_all_methods_judged_share():
    table = world()
    table["3d/s-shape", "CAE"] = table["3d/s-shape", "CAE"][1:]
    seeds = {outcome.claim.name: outcome.seeds for outcome in claims.ledger(table)}
    assert seeds["lowest std, S shape"] == [1, 2]
    assert seeds["lowest std, Swiss roll"] == [0, 1, 2]


def test_every_verdict_has_colours_and_a_meaning_in_the_introduction():
    intro = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", intro, re.MULTILINE) == list(Verdict)
    assert list(cards.VERDICT_COLOURS) == list(Verdict)
    assert len(set(cards.VERDICT_COLOURS.values())) == len(Verdict)


def test_the_bar_has_a_part_for_each_verdict_that_was_passed():
    passes = ("not", "reproduced", "not", "not")
    figure = cards.verdict_bars(SimpleNamespace(verdict=Verdict(v)) for v in passes)
    (axes,) = figure.axes
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [(0, 1), (1, 3)]
    assert [to_hex(bar.get_facecolor()).upper() for bar in axes.patches] == [
        cards.VERDICT_COLOURS[verdict][0] for verdict in (Verdict.REPRODUCED, Verdict.NOT)
    ]
    assert [text.get_text() for text in axes.texts] == ["reproduced\n1", "not\n3"]
    plt.close(figure)


def test_a_row_of_the_ledger_shows_both_figures_and_the_rule():
    claim = rule.Claim("c", "4.1", "a < b", "1 & 2", "what's asked", lambda runs: rule.NOTHING)
    shown = cards.verdict_table([rule.Outcome(claim, "3 < 4", Verdict.PARTLY, {})]).data
    cells = re.findall("<td>(.*?)</td>", shown)
    assert cells == [
        "a &lt; b <small>(section 4.1)</small>",
        "<strong title='what&#x27;s asked'>partly</strong>", "3 &lt; 4", "1 &amp; 2",
    ]  # fmt: skip


def test_the_tally_counts_every_verdict_once():
    verdicts = ("reproduced", "not", "not", "partly", "reproduced", "not")
    outcomes = [SimpleNamespace(verdict=Verdict(verdict)) for verdict in verdicts]
    head, line, ours, none = claims.tally({"ours": outcomes, "none": []}).splitlines()
    assert [cell.strip() for cell in head.split("|")[2:-1]] == list(Verdict)
    assert set(line) <= set("| -")
    assert ours == "| ours | 2 | 1 | 3 | 0 |" and none == "| none | 0 | 0 | 0 | 0 |"


def test_the_count_on_a_page_can_be_replaced():
    page = "a\n<!-- verdicts -->\nold\n<!-- end of verdicts -->\nb\n"
    counted = claims.with_count(page, "new\n")
    assert counted == page.replace("old", "new") and claims.with_count(counted, "old\n") == page


def test_the_readme_counts_the_published_verdicts():
    """If this fails, run `isoae runs verdicts`."""
    published = claims.ledger(rule.table(runs.published()))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert claims.with_count(readme, claims.tally({"published runs": published})) == readme


def test_spread_shows_mean_deviation_and_count():
    assert rule.spread(np.array([1.0, 3.0])) == "2.00 ± 1.41 (2 seeds)"
    assert rule.spread(np.array([1.0])) == "1.00 (1 seed)"
    assert rule.spread(np.array([1.0, np.inf])) == "diverged (2 seeds)"


def test_the_printed_table_is_whole():
    printed = table_1()
    assert set(printed) <= set(SURFACES)
    assert all(set(row) == set(sections.SECTIONS["3d"].compared) for row in printed.values())
    assert printed["s-shape"]["TCAE"] == 0.26  # printed as "026" (decision 21)


@pytest.mark.parametrize("preset", sections.PRESETS)
def test_every_run_of_a_notebook_has_a_spec_and_a_group(preset):
    grouped = {
        (name, int(group.rsplit("/", 1)[1]))
        for group, names in sections.groups(preset).items()
        for name in names
    }
    for stem in sections.NOTEBOOKS:
        for name, seed in sections.notebook_runs(stem, preset):
            assert sections.spec(name, preset, seed).seed == seed
            assert (name, seed) in grouped
        assert sections.notebook_runs(stem, preset, 7) == [
            (name, seed + 7) for name, seed in sections.notebook_runs(stem, preset)
        ]


def test_a_published_run_is_what_its_name_asks_for_today():
    for name, run in [*runs.published(), *runs.published("curves")]:
        assert sections.spec(name, "published", run.spec.seed) == run.spec, name
