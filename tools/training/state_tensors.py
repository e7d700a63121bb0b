"""A model and its optimiser as named tensors, whatever file they are kept in."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from gendr import _check


def state_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Parameters and buffers as `model/NAME`, the optimiser's moments and counts as `optimizer/INDEX/NAME`, on the CPU.

    >>> model = nn.Linear(2, 1)
    >>> list(state_tensors(model, torch.optim.Adam(model.parameters())))
    ['model/weight', 'model/bias']
    """
    tensors = {f"model/{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimizer/{index}/{name}"] = torch.as_tensor(value)
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def restore(
    tensors: Mapping[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer | None, *, source: str
) -> None:
    """Put back what `state_tensors` gave; names that begin otherwise are passed over.

    Args:
        tensors: by name.
        model: whose values are replaced.
        optimizer: likewise, unless it is None; its learning rate and other settings stay.
        source: what errors call the tensors' file.

    Raises:
        ValueError: the tensors are another model's or another optimiser's.

    >>> model = nn.Linear(2, 1)
    >>> restore({"model/weight": torch.ones(1, 2), "model/bias": torch.zeros(1)}, model, None, source="run.npz")
    >>> model.weight.tolist(), model.bias.tolist()
    ([[1.0, 1.0]], [0.0])
    """
    try:
        model.load_state_dict(_under("model", tensors))
    except RuntimeError as error:
        _check.fail(source, "the weights of this model", str(error).partition("\n")[2].strip())
    if optimizer is None:
        return
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _under("optimizer", tensors).items():
        index, _, key = name.partition("/")
        state.setdefault(int(index), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    wanted = sum(len(group["params"]) for group in groups)
    # Weights that no step has moved yet have none.
    if max(state, default=-1) >= wanted:
        _check.fail(source, f"an optimiser's state of {wanted} tensors", f"one of {max(state) + 1}")
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith(f"{prefix}/")}
