"""What runs take by recorded times: a plan's only knowledge of a GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isoae_lib.core.methods import METHODS
from isoae_lib.core.spec import NETWORKS
from isoae_lib.paper import durations
from isoae_lib.paper.specs import RunSpec

RUN = RunSpec(method="I-AE", data="mnist", network="S-CNN", steps=1000)


def test_the_recorded_step_of_each_network_is_what_a_plan_says_of_it():
    """One with few points takes as long: the GPU waits for launches."""
    for row in durations.recorded():
        like = durations.TIMED[row["network"]]
        for method, column in (("AE", "ours_ae_ms"), ("I-AE", "ours_iae_ms")):
            run = replace(like, method=method, batch=row["batch"], steps=1000)
            assert durations.on_gpu(run) == pytest.approx(row[column])
            assert durations.on_gpu(replace(run, batch=2)) == pytest.approx(row[column])


def test_more_points_wider_networks_and_more_steps_are_in_proportion():
    least = durations.on_gpu(RUN)
    assert durations.on_gpu(replace(RUN, steps=3000)) == pytest.approx(3 * least)
    many = replace(RUN, batch=1280)
    assert durations.on_gpu(many) == pytest.approx(10 * least)
    narrow = replace(many, width_factor=0.5)
    share = narrow.multiply_adds / many.multiply_adds
    assert durations.on_gpu(narrow) == pytest.approx(10 * share * least)


def test_of_several_recorded_steps_the_best_for_a_run_counts(monkeypatch):
    """Large batches fill a GPU: their step says more about large batches."""
    (step,) = (row for row in durations.recorded() if row["network"] == "S-CNN")
    large = step | {"batch": 4 * step["batch"], "ours_iae_ms": 2 * step["ours_iae_ms"]}
    alone = durations.on_gpu(replace(RUN, batch=512))
    monkeypatch.setattr(durations, "recorded", lambda: [step, large])
    assert durations.on_gpu(replace(RUN, batch=512)) == pytest.approx(alone / 2)
    assert durations.on_gpu(RUN) == pytest.approx(step["ours_iae_ms"])


def test_every_method_and_network_has_a_duration_on_both_devices():
    for method in METHODS:
        for network in NETWORKS:
            data = "s-shape" if network == "MLP" else "mnist"
            run = RunSpec(method=method, data=data, network=network)
            assert durations.seconds_of(run) == durations.on_core(run) > 0
            assert durations.seconds_of(run, "cuda:1") == durations.on_gpu(run) > 0


def test_methods_stand_by_their_passes():
    times = [durations.on_gpu(replace(RUN, method=m)) for m in ("AE", "RAE-SN", "CAE", "I-AE")]
    assert times == sorted(times) and len({*times}) == 4
