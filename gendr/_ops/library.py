"""What the operators share: the library they live in, calls and refusals, and checks of values before a kernel runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import torch
from torch import Tensor

from gendr import _check, _kernels

F = TypeVar("F", bound=Callable[..., Any])
library = torch.library.Library("gendr", "DEF")


def no_derivative(instead: str) -> str:
    """What those are told who ask a kernel for a derivative that it has not."""
    return f"gendr kernels: no second derivatives, no forward mode, and no derivative of the raw operators; {instead}"


NO_DERIVATIVE = no_derivative(
    "call gendr.rasterize for first derivatives and gendr.rasterize(..., backend='reference') for all others"
)


PLAIN_KEYS = torch._C._dispatch_keys(torch.empty(0))


class Operator:
    """An operator of the library with its CPU kernel, to be called within autograd functions.

    Called as `torch.ops.gendr.NAME` it refuses to be differentiated: torch would hand out silent zeros.

    Args:
        schema: in torch's notation.
        cpu: the kernel.
        fake: what it returns, without values.
        refusal: what those are told who ask for a derivative.
    """

    def __init__(
        self, schema: str, cpu: Callable[..., Any], fake: Callable[..., Any], refusal: str = NO_DERIVATIVE
    ) -> None:
        library.define(schema)
        self._name = schema.partition("(")[0]
        self._cpu, self._refusal = cpu, refusal
        self._operator = getattr(torch.ops.gendr, self._name).default
        library.impl(self._name, cpu, "CPU")
        library.impl(self._name, self._refuse_gradients, "Autograd")
        torch.library.register_fake(f"gendr::{self._name}", fake, lib=library)

    def batch(self, rule: Callable[..., Any]) -> None:
        """Take a rule for `vmap`."""
        torch.library.register_vmap(f"gendr::{self._name}", rule, lib=library)

    def elsewhere(self, plain: Callable[..., Any]) -> None:
        """Take what stands in for a kernel on devices that have none."""
        library.impl(self._name, plain, "CompositeExplicitAutograd")

    def __call__(self, *args: Any) -> Any:
        """Call it below autograd; where nobody else would hear of it the CPU kernel at once: 15 to 25 us saved."""
        if torch.compiler.is_compiling():
            return self._operator(*args)
        if nobody_listens(args):
            return self._cpu(*args)
        with torch._C._AutoDispatchBelowAutograd():
            return self._operator(*args)

    def _refuse_gradients(self, *args: Any) -> Any:
        if torch.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in args):
            raise RuntimeError(self._refusal)
        with torch._C._AutoDispatchBelowAutograd():
            return self._operator(*args)


def nobody_listens(args: tuple[Any, ...]) -> bool:
    """Whether no mode or transform is about that follows operators, and all tensors are what a CPU kernel reads.

    A tensor's dispatch keys tell of devices, subclasses, tracers, functional transforms, and views that torch negates
    only when they are read.
    """
    if torch._C._len_torch_dispatch_stack() or torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    keys_of = torch._C._dispatch_keys
    return not [arg for arg in args if isinstance(arg, Tensor) and keys_of(arg) != PLAIN_KEYS]


class AsGiven(inspect.Signature):
    """The signature of a function whose arguments are all given, in order: there is nothing to bind, and no default."""

    def bind(self, *args: Any, **kwargs: Any) -> Any:
        """The arguments as they came."""
        return SimpleNamespace(args=args, kwargs=kwargs, apply_defaults=lambda: None)


def with_signature(function: F) -> F:
    """The `forward` of an autograd function, to which torch binds its arguments at each call: 35 microseconds saved."""
    parameters = inspect.signature(function).parameters
    function.__signature__ = AsGiven(list(parameters.values()))  # type: ignore[attr-defined]
    return function


def derives_once() -> bool:
    """Whether the backward pass at hand is not differentiated itself, so that it may call its operator as it is.

    Compilers differentiate once by construction, and do not take a function within a function's backward.
    """
    return torch.compiler.is_compiling() or not torch.is_grad_enabled()


def differentiate_once(
    call: Any, refusal: str = NO_DERIVATIVE, batched: Callable[..., Any] | None = None
) -> type[torch.autograd.Function]:
    """The backward operator as a function that refuses to be differentiated again instead of counting as a constant.

    Under `vmap` it takes the rule `batched(info, in_dims, *args)`, by default one call for each mapped element:
    gradients of what the images share are sums over a batch.
    """

    class FirstDerivatives(torch.autograd.Function):
        @staticmethod
        @with_signature
        def forward(*args: Any) -> Any:
            return call(*args)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
            """Nothing to keep."""

        @staticmethod
        def backward(ctx: Any, *_grads: Tensor) -> Any:
            raise RuntimeError(refusal)

        @staticmethod
        def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
            if batched is not None:
                return batched(info, in_dims, *args)
            return each_element(FirstDerivatives.apply, info.batch_size, in_dims, args)

    return FirstDerivatives


def each_element(call: Any, size: int, in_dims: tuple[Any, ...], args: tuple[Any, ...]) -> Any:
    """Call once an element of the mapped dimension, and stack: a vmap rule that fits everything."""
    outputs = []
    for i in range(size):
        outputs.append(call(*(a if d is None else a.select(d, i) for a, d in zip(args, in_dims, strict=True))))
    stacked = tuple(torch.stack(parts) for parts in zip(*outputs, strict=True))
    return stacked, (0,) * len(stacked)


def kernel(name: str, dtype: torch.dtype) -> Callable[..., Any]:
    """The compiled function of that name for float32 or float64."""
    function: Callable[..., Any] = getattr(_kernels, f"{name}_{_check.dtype_name(dtype)}")
    return function


def require_finite(name: str, value: Tensor) -> None:
    """Refuse a contiguous tensor that holds a NaN or an infinity, naming where."""
    first = kernel("first_not_finite", value.dtype)(value.data_ptr(), value.numel())
    if first >= 0:
        index = [int(i) for i in torch.unravel_index(torch.tensor(first), value.shape)]
        raise ValueError(f"{name}: expected finite values, got {value.flatten()[first].item()} at {index}")


def require_in(name: str, value: Tensor, low: float, high: float) -> None:
    """Refuse values outside `[low, high]`."""
    rounding = 1 + 1e-6  # 1e30 in float32 is a little more
    inside = (value >= (low * rounding if low < 0 else low / rounding)) & (value <= high * rounding)
    if not bool(inside.all()):
        worst = value[~inside].flatten()[0].item()
        raise ValueError(f"{name}: expected values in [{low:g}, {high:g}], got {worst:g}")


def within(gradient: Tensor, like: Tensor) -> Tensor:
    """In the dtype of `like`, held at its largest number: a gradient is never infinite."""
    largest = torch.finfo(like.dtype).max
    return gradient.clamp(-largest, largest).to(like.dtype)
