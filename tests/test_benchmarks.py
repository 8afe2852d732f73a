"""The benchmark compares like with like."""

from __future__ import annotations

import pytest
import steps
import torch
from torch.utils.flop_counter import FlopCounterMode

from isoae_lib.core.step import Stepper
from isoae_lib.paper.specs import LEAST_POINTS as POINTS


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    """Nothing is compiled here, or trained for long: that takes half a minute."""
    monkeypatch.setattr(Stepper, "_compile", lambda self: None)
    monkeypatch.setattr(steps, "TRAINED", 3)


def work_of(step):
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


@pytest.mark.parametrize("network", steps.NETWORKS)
def test_the_floor_is_the_matrix_products_of_our_step(network):
    """Ours spares the products that would differentiate by the data, and no other."""
    ours = work_of(steps.ours(network, POINTS, "I-AE"))
    floor = work_of(steps.floor(network, POINTS))
    assert 0.9 * floor < ours <= floor


@pytest.mark.parametrize("network", steps.NETWORKS)
def test_the_reference_trains_every_weight(network, monkeypatch):
    kept = []
    make = steps.NETWORKS[network]
    monkeypatch.setitem(steps.NETWORKS, network, lambda d: kept.append(make(d)) or kept[-1])
    step = steps.double_backward(network, POINTS)
    before = [p.detach().clone() for p in kept[0].parameters()]
    step()
    assert all(not torch.equal(a, b) for a, b in zip(before, kept[0].parameters(), strict=True))


def test_full_jacobians_cost_more_with_every_latent_and_probes_do_not():
    probes = [work_of(steps.ours("3-256x5-2", POINTS, "I-AE", latent)) for latent in (2, 16)]
    full = [work_of(steps.full_jacobians("3-256x5-2", POINTS, latent)) for latent in (2, 16)]
    assert probes[1] < 1.1 * probes[0] and full[1] > 4 * full[0]


def test_every_step_starts_from_the_same_trained_weights():
    one, other = (steps.NETWORKS["3-256x5-2"](2) for _ in range(2))
    spec = steps.RunSpec(data="s-shape", method="I-AE", points=1000)
    start = steps.architectures.untrained(spec, steps.Data(spec).points)
    same = [torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True)]
    moved = [not torch.equal(a, b) for a, b in zip(one.parameters(), start.parameters())]
    assert all(same) and all(moved) and one is not other
