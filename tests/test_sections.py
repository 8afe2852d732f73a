"""A section says what is trained for it, at which scale, on which data."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest

from isoae_lib.paper import sections
from isoae_lib.paper.data import images
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.section import Section

EVERY = pytest.mark.parametrize("section", sections.SECTIONS.values(), ids=lambda s: s.name)


@pytest.fixture
def only(monkeypatch):
    """Let no data set of images be on this machine but those that are named."""

    def let(*names):
        there = {*names, "mnist-5k"}
        monkeypatch.setattr(images, "present", lambda d: "here" if d in there else "missing")

    return let


@EVERY
def test_what_is_tuned_and_what_is_an_exception_is_in_the_spec(section):
    """A name misspelt in one of them would change nothing."""
    for where, wanted in {**section.tuned, **section.exceptions}.items():
        words = where.split("/")
        (data,) = [word for word in words if word in section.known_data] or section.data_sets[:1]
        (scale,) = [word for word in words if word in sections.SCALES] or ["laptop"]
        known = (*section.methods, *section.sweep)
        (method,) = [word for word in words if word in known] or section.methods[:1]
        (variant,) = [word for word in words if word in section.variants] or section.variants[-1:]
        assert set(words) <= {data, scale, method, variant}
        spec = section.spec(data, f"{method},{variant}".rstrip(","), scale)
        assert wanted.items() <= asdict(spec).items()


def test_of_images_smoke_takes_mnist_and_the_paper_all_that_are_there(only):
    table_2, figure_1 = sections.SECTIONS["classification"], sections.SECTIONS["toy"]
    coil, surfaces = sections.SECTIONS["visualization-COIL"], sections.SECTIONS["3d"]
    only("mnist", "coil20")
    assert table_2.data_at("smoke") == ("mnist",) and coil.data_at("smoke") == ()
    assert table_2.data_at("paper") == ("mnist", "coil20") and coil.data_at("paper") == ("coil20",)
    only("fashion-mnist")
    assert table_2.data_at("smoke") == ("mnist-5k",)
    assert table_2.data_at("paper") == ("mnist-5k", "fashion-mnist")
    only()
    assert figure_1.data_at("smoke") == ("curve",)
    assert surfaces.data_at("smoke") == surfaces.all_data == tuple(SURFACES)


def test_pages_at_laptop_show_every_data_set_whatever_this_machine_has(only):
    only()
    for section in sections.SECTIONS.values():
        assert section.data_at("laptop") == section.all_data


def test_data_beside_those_of_the_paper_are_trained_at_every_preset_if_they_are_there(only):
    more = replace(sections.SECTIONS["classification"], added_data=("cifar10",))
    only("mnist", "cifar10")
    for preset in ("smoke", "paper"):
        assert more.data_at(preset) == ("mnist", "cifar10")
    only("mnist")
    assert more.data_at("smoke") == ("mnist",)


def test_digits_that_stand_in_are_tuned_as_mnist_and_never_more_than_there_are():
    section = sections.SECTIONS["generalization"]
    few = section.spec("mnist-5k", "RAE-L2", "paper")
    assert few.code_weight == section.spec("mnist", "RAE-L2", "paper").code_weight > 0
    assert few.points + few.validation == 4000 and few.validation == 500  # the others test
    assert sections.spec("visualization-FC/mnist-5k/AE", "paper").points == 5000
    assert sections.spec("visualization-FC/mnist-5k/AE", "smoke").points == 500


@EVERY
@pytest.mark.parametrize("preset", ["smoke", "paper"])
def test_its_runs_are_its_methods_and_variants_on_its_data_for_each_seed_once(
    section, preset, only
):
    only(*images.DATA_SETS)
    found = section.runs(preset, first=3)
    seeds = [3 + seed for seed in section.seeds[preset]]
    count = len(section.data_at(preset)) * len(section.variants) * len(section.methods)
    assert len(found) == len(set(found)) == count * len(seeds)
    assert [seed for _, seed in found] == sorted(seed for seed in seeds for _ in range(count))
    for name, seed in found:
        assert re.fullmatch(rf"{section.name}/[\w-]+/[^/]*[^,/]", name)
        assert sections.spec(name, preset, seed).seed == seed


@EVERY
def test_at_laptop_its_canaries_are_trained_alone_on_data_that_are_always_there(section, only):
    only()
    found = section.runs("laptop", first=3)
    assert found == [(f"{section.name}/{canary}", 0) for canary in section.canaries]
    for name, _ in found:
        data = sections.spec(name, "laptop").data
        assert data in (*SURFACES, "curve", "mnist-5k")


def test_every_chapter_with_training_has_a_canary_and_other_pages_train_nothing_at_laptop():
    of_chapters = {s.notebook: [] for s in sections.SECTIONS.values()}
    for section in sections.SECTIONS.values():
        of_chapters[section.notebook] += section.canaries
    assert all(1 <= len(canaries) <= 2 for canaries in of_chapters.values())
    for stem in sections.NOTEBOOKS:
        wanted = len(of_chapters.get(stem, ()))
        wanted = sum(map(len, of_chapters.values())) if stem == sections.LEDGER else wanted
        assert len(sections.notebook_runs(stem, "laptop")) == wanted


def test_a_sweep_tries_each_value_for_a_quarter_of_the_steps():
    for name, method in (("visualization-FC", "CAE"), ("visualization-CNN", "DAE")):
        section = sections.SECTIONS[name]
        field, values = section.sweep[method]
        specs = [section.spec("mnist", run, "published") for run in section.sweep_runs()[method]]
        assert [getattr(spec, field) for spec in specs] == list(values)
        assert {4 * spec.steps for spec in specs} <= {
            steps - steps % 4 for steps in [section.scales["published"]["steps"]]
        }
        assert {f"{name}/mnist/{run}" for run in section.sweep_runs()[method]} <= sections.swept()


def test_what_a_sweep_chose_is_among_what_it_tried():
    for section in sections.SECTIONS.values():
        for method, (field, values) in section.sweep.items():
            assert section.tuned.get(method, {field: values[0]})[field] in values


def test_of_a_setting_that_is_given_more_than_once_the_last_counts():
    """In the order settings, scales, exceptions, tuned; and what stands in a run's name."""
    given = {
        "settings": {"weight": 1.0}, "scales": {"laptop": {"weight": 2.0}},
        "exceptions": {"curve": {"weight": 3.0}}, "tuned": {"AE": {"weight": 4.0}},
    }  # fmt: skip
    fields = {"scales": {"laptop": {}}}
    for weight, (name, settings) in enumerate(given.items(), start=1):
        fields |= {name: settings}
        section = Section(
            name="x", shows="", notebook="", data_sets=("curve",), compared=("AE",), **fields
        )
        assert section.spec("curve", "AE", "laptop").weight == weight
        assert section.spec("curve", "AE,weight=9", "laptop").weight == 9


def test_at_the_papers_scale_each_method_is_a_job_with_its_settings():
    """Elsewhere all methods on a data set are one: a process that loads torch once."""
    runs = [name for name, _ in sections.SECTIONS["toy"].runs("paper")]
    assert len(sections.groups("paper", ("02_toy_projection",))) == len(runs)
    assert len(sections.groups("smoke", ("02_toy_projection",))) == 1
    weights = len(sections.SECTIONS["sensitivity"].trained)
    figure_6 = sections.groups("paper", ("06_sensitivity",))
    assert {len(names) for names in figure_6.values()} == {weights} and weights > 1
