"""Adam with one step size for a whole tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor

from gendr import _check


class UniformAdam(torch.optim.Optimizer):
    r"""Adam that divides a tensor's step by the largest of its second moments instead of each element by its own.

    With gradient `g`, moments `m <- b1 m + (1 - b1) g` and `v <- b2 v + (1 - b2) g^2`, both elementwise and both
    corrected for their start at 0 (`m / (1 - b1^k)`, `v / (1 - b2^k)` at step `k`):
    `x <- x - lr m / (sqrt(max v) + eps)`, the maximum over the whole tensor.

    The elements keep their proportions, so a smooth gradient makes a smooth step; plain Adam's division gives every
    vertex of a mesh a step of the same length and roughens it. For a tensor of one element it is Adam. One tensor is
    one group of proportions: a batch of meshes in one tensor shares one step size.

    Args:
        params: tensors, named tensors or parameter groups, as for any `torch.optim.Optimizer`.
        lr: step size, in (0, inf); a group's `lr` may be changed between steps.
        betas: decay of the two moments, each in [0, 1).
        eps: in [0, inf), added to the root of the second moment; at 0, gradients that were always 0 move nothing.

    Raises:
        TypeError, ValueError: a setting is no number or outside its range; a gradient is sparse or complex.

    Source: Nicolet, Jacobson, Jakob, "Large steps in inverse rendering of geometry", SIGGRAPH Asia 2021, section 3.4.

    >>> x = torch.tensor([1.0, 10.0], requires_grad=True)
    >>> optimizer = UniformAdam([x], lr=0.1)
    >>> (x * torch.tensor([1.0, 4.0])).sum().backward()
    >>> optimizer.step()
    >>> x.detach()  # Adam would have moved both by 0.1
    tensor([0.9750, 9.9000])
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]],
        lr: int | float = 0.1,
        betas: tuple[int | float, int | float] = (0.9, 0.999),
        eps: int | float = 1e-8,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group of parameters; its settings are checked like those of the constructor."""
        group = {**self.defaults, **param_group}
        _check.number("lr", group["lr"], 0.0, open_low=True)
        _check.number("eps", group["eps"], 0.0)
        if not isinstance(group["betas"], (tuple, list)) or len(group["betas"]) != 2:
            _check.fail("betas", "two numbers", group["betas"])
        for index, beta in enumerate(group["betas"]):
            if _check.number(f"betas[{index}]", beta, 0.0, 1.0) == 1.0:
                _check.fail(f"betas[{index}]", "a number in [0, 1)", beta)
        super().add_param_group(param_group)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step along the gradients that `backward` has left; tensors without one stay as they are.

        Args:
            closure: evaluates the model again, with gradients, and returns the loss, which `step` then returns.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self._move(param, param.grad, group)
        return loss

    def _move(self, param: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        if gradient.is_sparse or not gradient.is_floating_point():
            _check.fail("params", "dense real gradients", f"{gradient.layout}, {_check.dtype_name(gradient.dtype)}")
        state = self.state[param]
        if not state:
            state["step"] = 0
            state["first_moment"] = torch.zeros_like(param)
            state["second_moment"] = torch.zeros_like(param)
        if not param.numel():
            return
        state["step"] += 1
        (beta1, beta2), first, second = group["betas"], state["first_moment"], state["second_moment"]
        first.lerp_(gradient, 1.0 - beta1)
        second.mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        size = second.amax().sqrt_().div_((1.0 - beta2 ** state["step"]) ** 0.5).add_(group["eps"])
        scale = group["lr"] / (1.0 - beta1 ** state["step"])
        if group["eps"] == 0.0:
            size.masked_fill_(size == 0.0, 1.0)  # every gradient so far was 0, and so is the first moment
        param.addcdiv_(first, size, value=-scale)
