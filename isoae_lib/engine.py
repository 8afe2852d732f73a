"""One training step, as fast as the device allows: eager, compiled, or a CUDA graph."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from isoae_lib.networks import Autoencoder
from isoae_lib.penalties import OBJECTIVES, normals_of
from isoae_lib.specs import RunSpec

# SoftPlus(beta = 100) makes subnormal numbers, on which a CPU is ten times slower. The flag is
# per thread; threads started later inherit it.
torch.set_flush_denormal(True)

COMPILE_FROM = 5000  # steps from which a CPU run gains more than the compilation costs
WARM_UP = 3  # steps before a CUDA graph is captured, and then undone

Terms = Callable[[Tensor, Tensor, Tensor], Tensor]  # batch, normals, weight -> weighted terms (k,)
log = logging.getLogger(__name__)


class Engine:
    """The networks, the optimizer and the random generator of one run, and its step.

    Everything lives on the device, batches and chance included; a step reads nothing back. On a
    CPU, runs of `COMPILE_FROM` steps are compiled, unless `compiled` says otherwise.

    Attributes
    ----------
    model : Autoencoder
        In training mode.
    x : Tensor
        The training data (n, D).
    names : tuple of str
        Of the loss terms, in the order of what `step` returns.
    kind : str
        "eager", "compiled" or "CUDA graph".
    """

    def __init__(
        self, model: Autoencoder, x: Tensor, spec: RunSpec, compiled: bool | None = None
    ) -> None:
        self.model = model.to(x.device).train()
        self.x = x
        self.spec = spec
        self.rng = torch.Generator(x.device).manual_seed(spec.seed)
        self.rate = torch.zeros((), device=x.device)
        self.weight = torch.zeros((), device=x.device)
        on_gpu = x.device.type == "cuda"
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=self.rate, fused=True, capturable=on_gpu
        )
        self.wanted = normals_of(spec, x.shape[1])
        objective = OBJECTIVES[spec.method]
        with torch.no_grad():
            few = torch.zeros(len(x[: spec.batch]), self.wanted, device=x.device)
            self.names = tuple(objective(model, x[: spec.batch], few, spec, 0.0))

        def terms(batch: Tensor, normals: Tensor, weight: Tensor) -> Tensor:
            return torch.stack(list(objective(model, batch, normals, spec, weight).values()))

        self.terms: Terms = terms
        self.kind = "eager"
        self.replay: Callable[[], Tensor] = self._once
        if on_gpu:
            self.replay, self.kind = self._captured(), "CUDA graph"
        elif (spec.steps >= COMPILE_FROM if compiled is None else compiled) and (
            fast := self._compiled()
        ):
            self.terms, self.kind = fast, "compiled"

    def step(self, rate: float, weight: float) -> Tensor:
        """Take one step of Adam and return the weighted loss terms (k,) before it, unread."""
        self.rate.fill_(rate)
        self.weight.fill_(weight)
        return self.replay()

    def _once(self) -> Tensor:
        pick = torch.randint(
            len(self.x), (self.spec.batch,), generator=self.rng, device=self.x.device
        )
        normals = torch.randn(
            self.spec.batch, self.wanted, generator=self.rng, device=self.x.device
        )
        self.optimizer.zero_grad(set_to_none=True)
        terms = self.terms(self.x[pick], normals, self.weight)
        terms.sum().backward()
        self.optimizer.step()
        return terms.detach()

    def _compiled(self) -> Terms | None:
        """Compile the loss terms for the CPU; None where there is no C++ compiler.

        Tangents travel explicitly (see `isometry`), which compiles; forward-mode automatic
        differentiation and double backward would not.
        """
        fast: Terms = torch.compile(self.terms, dynamic=False)
        batch = self.x[torch.zeros(self.spec.batch, dtype=torch.int64)]
        normals = torch.ones(self.spec.batch, self.wanted)
        try:
            with contextlib.redirect_stderr(io.StringIO()):
                fast(batch, normals, self.weight).sum().backward()
        except Exception as error:  # whatever the compiler says, the eager step is the judge
            log.info("not compiled (%s): training goes on without", type(error).__name__)
            torch.compiler.reset()
            return None
        finally:
            self.optimizer.zero_grad(set_to_none=True)
        return fast

    def _captured(self) -> Callable[[], Tensor]:
        """Record one step as a CUDA graph; a replay is one launch."""
        before = {name: tensor.clone() for name, tensor in self.state().items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self._once()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(self.rng)
        with torch.cuda.graph(graph):
            terms = self._once()
        self.restore(before)

        def replay() -> Tensor:
            graph.replay()
            return terms.clone()

        return replay

    def state(self) -> dict[str, Tensor]:
        """Return everything that a step changes, by name; moments are zero before the first."""
        tensors = dict(self._named())
        tensors["random"] = self.rng.get_state()
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
        self.rng.set_state(tensors["random"].cpu())

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        for name, parameter in self.model.named_parameters():
            yield f"model.{name}", parameter.detach()
            for key, value in self._moments(parameter).items():
                yield f"adam.{name}.{key}", value

    def _moments(self, parameter: Tensor) -> dict[str, Tensor]:
        """Adam's state of one parameter, made as Adam makes it if there is none yet."""
        state = self.optimizer.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return {key: state[key] for key in ("step", "exp_avg", "exp_avg_sq")}
