"""The step: compiled and eager agree, its state is whole, and reading back is exact."""

from __future__ import annotations

import ctypes
import resource
from dataclasses import replace

import numpy as np
import pytest
import torch
from make_golden import TINY
from torch import nn

from isoae_lib.core import step, training
from isoae_lib.core.architectures import printed_network, untrained
from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import Autoencoder
from isoae_lib.core.objectives import objective_of
from isoae_lib.core.spec import Spec
from isoae_lib.core.step import Stepper
from isoae_lib.paper import fitting
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.specs import RunSpec

SPEC = RunSpec(data="s-shape", method="I-AE", **TINY)
STACKED = [replace(SPEC, seed=3), replace(SPEC, weight=0.05), replace(SPEC, data="open-sphere")]
GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")


def stepper_of(spec, device="cpu"):
    points = Data(spec).points
    x = torch.as_tensor(points, dtype=torch.float32, device=device)
    return Stepper([untrained(spec, points)], [x], [spec])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("beta2", [0.999, 0.9])
def test_a_step_is_adam_on_the_sum_of_the_terms(method, beta2):
    """Against PyTorch's Adam as it comes, unfused, with the rate as a number."""
    spec = replace(SPEC, method=method, beta2=beta2)
    fast, slow = stepper_of(spec), stepper_of(spec)
    (model,), (x,), (rng,) = slow.models, slow.data, slow.rngs
    plain = torch.optim.Adam(model.parameters(), 0.01, (0.9, beta2), foreach=False)
    for _ in range(3):
        fast.step(0.01, 0.3)
        pick = torch.randint(len(x), (spec.batch,), generator=rng)
        normals = torch.randn(spec.batch, slow.draws, generator=rng)
        plain.zero_grad()
        terms = objective_of(method)(model, x[pick], normals, spec, 0.3 * spec.weight)
        sum(terms.values()).backward()
        plain.step()
    for ours, theirs in zip(fast.models[0].parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_whole_batch_has_every_point_once_and_a_drawn_one_has_not():
    spec = replace(SPEC, method="AE", batch=SPEC.points)
    whole, drawn = stepper_of(replace(spec, batches="whole")), stepper_of(spec)
    model, (x,) = untrained(spec, Data(spec).points), whole.data
    error = (model(x) - x).square().sum(1).mean().item()
    for _ in range(2):
        assert whole.step(0.0, 1.0).item() == pytest.approx(error, rel=1e-6)
        assert drawn.step(0.0, 1.0).item() != pytest.approx(error, rel=1e-3)


def test_a_state_put_back_gives_the_same_steps():
    one = stepper_of(SPEC)
    one.step(0.01, 0.3)
    kept = {name: tensor.clone() for name, tensor in one.state().items()}
    first = [one.step(0.01, 0.3) for _ in range(3)]
    one.restore(kept)
    again = [one.step(0.01, 0.3) for _ in range(3)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    other = stepper_of(SPEC)
    other.restore(kept)
    assert torch.equal(other.step(0.01, 0.3), first[0])


@pytest.mark.parametrize("method", ["AE", "I-AE"])
def test_gradients_alone_are_coarse(method, monkeypatch):
    """The losses are those of single precision, and the gradients near its own.

    Where there are no units for bfloat16, both are single precision.
    """
    spec = replace(SPEC, method=method, points=128, batch=128, width=128)
    terms, gradients = [], []
    monkeypatch.setattr(Stepper, "_adam", lambda self: gradients.append(self.parameters))
    for coarse in (True, False):
        one = stepper_of(spec)
        one.coarse &= coarse
        terms.append(one.step(0.01, 0.3))
    assert torch.equal(*terms)
    for name, ours in gradients[0].items():
        error = (ours.grad - gradients[1][name].grad).norm() / gradients[1][name].grad.norm()
        assert error < 0.02, name
    assert torch.backends.mkldnn.matmul.fp32_precision != "bf16"


def test_what_is_an_isometry_stays_one():
    """Coarse gradients scale what is left of the loss: where it is zero, they are too."""
    n = 64
    rng = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(n, n, generator=rng))[0]
    spec = Spec(method="I-AE", latent=n, weight=1.0, batch=SPEC.batch)
    model = Autoencoder(nn.Sequential(nn.Linear(n, n)), nn.Sequential(nn.Linear(n, n)))
    with torch.no_grad():
        for layer, matrix in ((model.encoder[0], turn), (model.decoder[0], turn.T)):
            layer.weight.copy_(matrix)
            layer.bias.zero_()
    one = Stepper([model], [torch.randn(n, n, generator=rng)], [spec])
    kept = []
    one._adam = lambda: kept.extend(p.grad for p in one.parameters.values())
    one.step(0.01, 1.0)
    assert len(kept) == 4 and max(g.abs().max() for g in kept) < 1e-5


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="not glibc")
def test_a_step_asks_the_system_for_no_memory():
    """An array of 2,000 points in 256 numbers each has 500 pages, and a step makes dozens.

    A step in which the heap grows once more is no fault; one in which every array is new is.
    """
    one = stepper_of(replace(SPEC, points=2000, batch=2000, width=256))
    pages = []
    for _ in range(15):
        one.step(0.001, 0.3)
        pages.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    assert np.diff(pages).min() < 500


def test_a_state_has_every_weight_its_moments_and_chance():
    one = stepper_of(SPEC)
    before = {name: tensor.clone() for name, tensor in one.state().items()}
    one.step(0.01, 0.3)
    (model,) = one.models
    count, fixed = (sum(1 for _ in kind()) for kind in (model.parameters, model.buffers))
    assert len(before) == 4 * count + fixed + 1
    changed = {name for name, now in one.state().items() if not torch.equal(before[name], now)}
    assert len(changed) == 4 * count + 1 and "random.0" in changed


def test_what_cannot_be_compiled_is_trained_all_the_same(monkeypatch, caplog):
    def refused(*_, **__):
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(step, "COMPILE_FROM", 1)
    monkeypatch.setattr(step.torch, "compile", lambda *_, **__: refused)
    with caplog.at_level("INFO"):
        fit = fitting.fit(SPEC)
    assert fit.engine.startswith("eager") and "goes on without" in caplog.text
    monkeypatch.undo()
    assert fit.history == fitting.fit(SPEC).history


def test_long_is_a_count_of_multiply_adds(monkeypatch):
    """Of this network both ways: 3 x 16, 16 x 16, 16 x 2 and back."""
    work = SPEC.steps * SPEC.batch * 2 * (3 * 16 + 16 * 16 + 16 * 2)
    for method in ("I-AE", "TCAE"):
        for least, kind in ((work, "compiled"), (work + 1, "eager")):
            monkeypatch.setattr(step, "COMPILE_FROM", least)
            monkeypatch.setattr(torch, "compile", lambda terms, **_: terms)
            assert stepper_of(replace(SPEC, method=method)).engine.startswith(kind)


@pytest.mark.parametrize("count", [1, 2])
def test_compiled_and_eager_agree(count, monkeypatch):
    """Alone and in a stack."""
    specs = STACKED[:count]
    eager = fitting.fits([Data(spec) for spec in specs])
    monkeypatch.setattr(step, "COMPILE_FROM", 1)
    compiled = fitting.fits([Data(spec) for spec in specs])
    if not compiled[0].engine.startswith("compiled"):
        pytest.skip("no C++ compiler here")
    for fit, plain in zip(compiled, eager, strict=True):
        for ours, theirs in zip(fit.history, plain.history, strict=True):
            assert ours == pytest.approx(theirs, rel=1e-3)


def test_divergence_is_found_at_its_step_with_the_last_good_losses(monkeypatch):
    step = Stepper.step
    calls = iter(range(1000))

    def breaks(self, rate, weight):
        terms = step(self, rate, weight)
        return terms * float("nan") if next(calls) == 33 else terms

    monkeypatch.setattr(Stepper, "step", breaks)
    fit = fitting.fit(replace(SPEC, steps=400))
    assert fit.status == "diverged" and fit.diverged_at == 34
    assert fit.history[-1]["step"] == 33


@pytest.mark.parametrize("method", [m for m in METHODS if m != "RAE-SN"])
def test_a_stack_takes_the_steps_of_each_run_alone(method, monkeypatch):
    """Up to rounding, which is finer than that of processors with products of bfloat16."""
    monkeypatch.setattr(step, "has_bfloat16", lambda device: False)
    specs = [replace(spec, method=method) for spec in STACKED]
    together = fitting.fits([Data(spec) for spec in specs])
    for spec, ours in zip(specs, together, strict=True):
        alone = fitting.fit(spec)
        for a, b in zip(ours.history, alone.history, strict=True):
            assert a == pytest.approx(b, rel=1e-3, abs=1e-7)
        for a, b in zip(ours.model.parameters(), alone.model.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-2, atol=1e-4)


def test_a_stack_of_networks_with_batch_norm(monkeypatch):
    """The running statistics, too, are each network's own."""
    monkeypatch.setattr(step, "has_bfloat16", lambda device: False)
    data = [torch.rand(30, 784) for _ in range(2)]
    specs = [replace(SPEC, seed=seed) for seed in range(2)]
    models, twins = ([printed_network("FC-NN", 2, seed=k) for k in range(2)] for _ in range(2))
    together = Stepper(models, data, specs)
    alone = [Stepper([twins[k]], [data[k]], [specs[k]]) for k in range(2)]
    for _ in range(2):
        terms = torch.cat([one.step(1e-4, 1.0) for one in alone])
        torch.testing.assert_close(together.step(1e-4, 1.0), terms, rtol=1e-3, atol=1e-5)
    for ours, one in zip(together.unstack(), alone, strict=True):
        for (name, a), b in zip(ours.named_buffers(), one.models[0].buffers(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4, msg=name)


def test_one_of_a_stack_diverges_alone():
    data = [torch.rand(30, 3) for _ in range(2)]
    specs = [replace(SPEC, method="AE", seed=seed) for seed in range(2)]
    stepper = Stepper([untrained(spec, Data(spec).points) for spec in specs], data, specs)
    data[0].fill_(float("nan"))
    terms = [stepper.step(0.01, 1.0) for _ in range(3)][-1]
    assert terms[0].isnan().all() and terms[1].isfinite().all()


@GPU
@pytest.mark.parametrize("kind", ["CUDA graph", "compiled CUDA graph"])
def test_a_cuda_graph_takes_the_steps_of_the_eager_engine(kind, monkeypatch):
    monkeypatch.setattr(step, "COMPILE_FROM", 1 if "compiled" in kind else float("inf"))
    graph = stepper_of(SPEC, "cuda")
    assert graph.engine == kind
    monkeypatch.setattr(step, "COMPILE_FROM", float("inf"))
    eager = stepper_of(SPEC, "cuda")
    eager._take_step = eager._eager_step
    close = 1e-2 if "compiled" in kind else 1e-3  # products round to ten bits, here and there apart
    for _ in range(20):
        ours, theirs = graph.step(0.01, 0.3), eager.step(0.01, 0.3)
        torch.testing.assert_close(ours, theirs, rtol=close, atol=1e-5)


@GPU
def test_a_run_on_the_gpu_goes_on_in_the_same_bits(tmp_path):
    spec = replace(SPEC, steps=90)
    asked = iter(range(1000))
    with pytest.raises(training.Unfinished):
        fitting.fit(spec, "cuda", checkpoint=tmp_path / "c", stop=lambda: next(asked) > 40)
    parts, whole = fitting.fit(spec, "cuda", checkpoint=tmp_path / "c"), fitting.fit(spec, "cuda")
    assert parts.history == whole.history
