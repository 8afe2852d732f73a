"""One training step, as fast as the device allows: eager or compiled, on a GPU a CUDA graph.

Several fits of one shape (seeds, weights, surfaces) are stacked: one step takes all of them on.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from isoae_lib.core.chain_rule import is_chain
from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import SINGLE, Autoencoder, floats
from isoae_lib.core.notation import multiply_adds
from isoae_lib.core.objectives import objective_of
from isoae_lib.core.spec import Spec

# SoftPlus(beta = 100) makes subnormal numbers, on which a CPU is ten times slower. The flag is
# per thread; threads started later inherit it.
torch.set_flush_denormal(True)
# What a step frees stays with the process: to give it back and ask for it again takes 2 to 6 %.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h
mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it
if mallopt:
    mallopt(M_TRIM_THRESHOLD, 2**30)
    mallopt(M_MMAP_THRESHOLD, 2**25)

COMPILE_FROM = 1e12  # multiply-adds from which a run gains more than the compilation costs
WARM_UP = 3  # steps before a CUDA graph is captured, and then undone

# batches (k, n, D), normals (k, n, .), weights (k,) -> the weighted terms of k fits (k, .)
Terms = Callable[[Tensor, Tensor, Tensor], Tensor]
Named = dict[str, Tensor]
log = logging.getLogger(__name__)


def has_bfloat16(device: torch.device) -> bool:
    """Whether this is a CPU with units for products of bfloat16 (AMX)."""
    known: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # newer PyTorch's
    return device.type == "cpu" and known.get("amx_bf16", False)


@contextlib.contextmanager
def products(precision: str) -> Iterator[None]:
    """Let the CPU round the factors of matrix products to "bf16", or not: "ieee"."""
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before, matmul.fp32_precision = matmul.fp32_precision, precision
    try:
        yield
    finally:
        matmul.fp32_precision = before


class _Loss(nn.Module):
    """A model with its objective as one module, so that stacked parameters can take its place."""

    def __init__(self, model: Autoencoder, spec: Spec) -> None:
        super().__init__()
        self.model = model
        self.spec = spec
        self.objective = objective_of(spec.method)

    def forward(self, batch: Tensor, normals: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted terms of the loss."""
        terms = self.objective(self.model, batch, normals, self.spec, weight)
        return torch.stack(list(terms.values()))


class Stepper:
    """The networks, Adam's moments and the random generators of one run, and its step.

    Or of k runs of one shape: each has its own data and random numbers, and takes the steps that
    it would take alone. Everything lives on the device, so a step reads nothing back. Long runs are
    compiled unless `compiled` says otherwise; on a GPU the step becomes a CUDA graph.

    Attributes
    ----------
    models : list of Autoencoder
        In training mode. If there are several, `unstack` brings them up to date.
    data : list of Tensor
        The training data (n, D) of each; images stay bytes until they are drawn. What is not in
        memory is anything with a tensor's `shape` and `device` that rows can be drawn from.
    names : tuple of str
        The loss terms, in the order of what `step` returns.
    engine : str
        "eager" or "compiled", on a GPU "CUDA graph" or "compiled CUDA graph"; with "bfloat16
        gradients" where the processor has them.
    coarse : bool
        Whether the factors of the gradients' matrix products are rounded to bfloat16.
    """

    def __init__(
        self,
        models: Sequence[Autoencoder],
        data: Sequence[Tensor],
        specs: Sequence[Spec],
        compiled: bool | None = None,
    ) -> None:
        device = data[0].device
        # Channels last: a step of convolutions is a tenth to a sixth faster on a CPU.
        self.models: list[Autoencoder] = [
            model.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
            for model in models
        ]
        self.data = list(data)
        self.spec = specs[0]
        self.rngs = [torch.Generator(device).manual_seed(spec.seed) for spec in specs]
        self.rate = torch.zeros((), dtype=SINGLE, device=device)
        precise = SINGLE if device.type == "mps" else torch.float64  # Apple's GPUs have no other
        self.ease = torch.zeros((), dtype=precise, device=device)
        self.weights = torch.tensor([s.weight for s in specs], dtype=precise, device=device)
        self.draws = METHODS[self.spec.method].draws(self.spec.latent, data[0].shape[1])
        self.names = self._names()
        prepare = self._alone if len(models) == 1 else self._stacked
        self.terms, self.parameters, self.buffers = prepare()
        self.moments = {
            name: {
                "step": torch.zeros((), dtype=SINGLE, device=device),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
            for name, parameter in self.parameters.items()
        }
        self.coarse = has_bfloat16(device)
        self.engine = "eager"
        self._take_step: Callable[[], Tensor] = self._eager_step
        if device.type == "cuda":  # in products as PyTorch does it in convolutions
            torch.backends.cuda.matmul.allow_tf32 = True
            torch.backends.cudnn.benchmark = True  # a step of S-CNN at 512: 2.2 ms, not 5.5
        if self._is_long() if compiled is None else compiled:
            self._compile()
        if device.type == "cuda" and self._can_be_captured():
            self._capture()
        if self.coarse:
            self.engine += ", bfloat16 gradients"

    def step(self, rate: float, ease: float) -> Tensor:
        """Take one step of Adam; return the weighted loss terms (k, .) before it, unread.

        `ease` is the fraction of its weight that each run's regularizer has by now.
        """
        self.rate.fill_(rate)
        self.ease.fill_(ease)
        return self._take_step()

    def _is_long(self) -> bool:
        """Whether all forward passes over data together have `COMPILE_FROM` multiply-adds."""
        once = multiply_adds(self.spec, self.data[0].shape[1])
        return self.spec.steps * self.spec.batch * once >= COMPILE_FROM

    def _can_be_captured(self) -> bool:
        """Whether a step is always the same kernels: networks and data are known, and there."""
        nets = [net for model in self.models for net in (model.encoder, model.decoder)]
        return all(map(is_chain, nets)) and all(isinstance(x, Tensor) for x in self.data)

    def _names(self) -> tuple[str, ...]:
        """Return the objective's terms, from a copy: BatchNorm must not see this batch."""
        x, spec = floats(self.data[0][: self.spec.batch]), self.spec
        normals = torch.zeros(len(x), self.draws, dtype=SINGLE, device=x.device)
        with torch.no_grad():
            return tuple(objective_of(spec.method)(deepcopy(self.models[0]), x, normals, spec, 0.0))

    def _alone(self) -> tuple[Terms, Named, Named]:
        loss = _Loss(self.models[0], self.spec)

        def terms(batches: Tensor, normals: Tensor, weights: Tensor) -> Tensor:
            return loss(batches[0], normals[0], weights[0]).unsqueeze(0)

        return terms, dict(loss.named_parameters()), dict(loss.named_buffers())

    def _stacked(self) -> tuple[Terms, Named, Named]:
        losses = [_Loss(model, self.spec) for model in self.models]
        parameters, buffers = torch.func.stack_module_state(losses)  # type: ignore[arg-type]

        def one(own: Named, kept: Named, *arguments: Tensor) -> Tensor:
            return torch.func.functional_call(losses[0], (own, kept), arguments)

        def terms(batches: Tensor, normals: Tensor, weights: Tensor) -> Tensor:
            return torch.vmap(one)(parameters, buffers, batches, normals, weights)

        return terms, parameters, buffers

    def unstack(self) -> list[Autoencoder]:
        """Return the networks as they are now, those of a stack each with its part."""
        if len(self.models) > 1:
            for k, model in enumerate(self.models):
                part = {
                    name.removeprefix("model."): tensor[k].detach().clone()
                    for name, tensor in (self.parameters | self.buffers).items()
                }
                model.load_state_dict(part)
        return self.models

    def _draw(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        n = self.spec.batch
        if self.spec.batches == "drawn":
            x = x[torch.randint(len(x), (n,), generator=rng, device=x.device)]
        normals = torch.randn(n, self.draws, generator=rng, dtype=SINGLE, device=x.device)
        return floats(x), normals

    def _eager_step(self) -> Tensor:
        drawn = [self._draw(x, rng) for x, rng in zip(self.data, self.rngs, strict=True)]
        batches, normals = map(torch.stack, zip(*drawn, strict=True))
        terms = self.terms(batches, normals, (self.weights * self.ease).float())
        # Errors of these products scale what is left of the loss, so its minimum stays where it
        # is; values and tangents, which say what is left, keep single precision (decision C).
        with products("bf16" if self.coarse else "ieee"):
            terms.sum().backward()
        self._adam()
        return terms.detach()

    def _adam(self) -> None:
        """Change the parameters by their gradients, in one fused pass, and drop the gradients.

        As `torch.optim.Adam` would, which loads PyTorch's compiler first: five seconds a process.
        """
        got = {n: (p, p.grad) for n, p in self.parameters.items() if p.grad is not None}
        parameters, gradients = map(list, zip(*got.values(), strict=True))
        steps, first, second = (
            [self.moments[name][key] for name in got] for key in ("step", "exp_avg", "exp_avg_sq")
        )
        with torch.no_grad():
            adam(
                parameters, gradients, first, second, [], steps, fused=True, amsgrad=False,
                lr=self.rate, beta1=0.9, beta2=self.spec.beta2, eps=1e-8, weight_decay=0.0,
                maximize=False,
            )  # fmt: skip
        self._drop_gradients()

    def _drop_gradients(self) -> None:
        for parameter in self.parameters.values():
            parameter.grad = None

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """Put everything back that the steps inside change."""
        before = {name: tensor.clone() for name, tensor in self.state().items()}
        try:
            yield
        finally:
            self._drop_gradients()
            self.restore(before)

    def _compile(self) -> None:
        """Compile the loss terms; without a compiler for this device they stay as they are.

        Tangents travel explicitly (see `isometry`), which compiles; forward-mode automatic
        differentiation and double backward would not.
        """
        # On a CPU a sum onto a product would become one call, which copies the sum first.
        patterns = self.rate.device.type != "cpu"
        fast = torch.compile(self.terms, dynamic=False, options={"pattern_matcher": patterns})
        batches = torch.stack([floats(x[:1]).expand(self.spec.batch, -1) for x in self.data])
        normals = batches.new_ones(len(self.data), self.spec.batch, self.draws)
        try:
            with self._undone(), contextlib.redirect_stderr(io.StringIO()):
                fast(batches, normals, self.weights.float()).sum().backward()
        except Exception as error:  # whatever the compiler says, the eager step is the judge
            log.info("not compiled (%s): training goes on without", type(error).__name__)
            torch.compiler.reset()
            return
        self.terms, self.engine = fast, "compiled"

    def _capture(self) -> None:
        """Record one step as a CUDA graph, which is then launched as a whole."""
        with self._undone():
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(WARM_UP):
                    self._eager_step()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            for rng in self.rngs:
                graph.register_generator_state(rng)
            with torch.cuda.graph(graph):
                terms = self._eager_step()

        def launch() -> Tensor:
            graph.replay()
            return terms.clone()

        self._take_step = launch
        self.engine = "CUDA graph" if self.engine == "eager" else "compiled CUDA graph"

    def state(self) -> dict[str, Tensor]:
        """Return everything that a step changes, by name; moments are zero before the first."""
        tensors = dict(self._named())
        for k, rng in enumerate(self.rngs):
            tensors[f"random.{k}"] = rng.get_state()
        return tensors

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go back, in place, to a state that `state` returned.

        Raises
        ------
        KeyError, RuntimeError
            If the tensors are not of this run.
        """
        with torch.no_grad():
            for name, tensor in self._named():
                tensor.copy_(tensors[name])
        for k, rng in enumerate(self.rngs):
            rng.set_state(tensors[f"random.{k}"].cpu())

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        yield from self.buffers.items()
        for name, parameter in self.parameters.items():
            yield name, parameter.detach()
            for key, value in self.moments[name].items():
                yield f"adam.{name}.{key}", value
