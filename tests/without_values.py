"""A device whose tensors have no values: whoever would wait for a GPU to read one is found out here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = torch.device("meta")
READS = {"_local_scalar_dense", "is_nonzero", "nonzero", "masked_select", "equal", "unique_dim", "_unique2", "item"}


class Waited(Exception):
    """Something read a value of the device's, or copied from the host and waited for the copy."""


class _Operators(TorchDispatchMode):
    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        tensors = [t for t in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
        name = operator.overloadpacket.__name__
        if name in READS and any(t.device == DEVICE for t in tensors):
            raise Waited(name)
        if name == "index" and any(t is not None and t.dtype == torch.bool for t in args[1]) and args[0].is_meta:
            raise Waited("index by a mask")
        if name in ("_to_copy", "copy_"):
            self._copies(name, args, kwargs or {})
        return operator(*args, **(kwargs or {}))

    @staticmethod
    def _copies(name, args, kwargs):
        """Refuse copies to the host, and copies to the device that are waited for."""
        source = args[1] if name == "copy_" else args[0]
        target = args[0].device if name == "copy_" else kwargs.get("device") or source.device
        is_awaited = not (kwargs.get("non_blocking") or (name == "copy_" and len(args) > 2 and args[2]))
        if source.device != target and (target != DEVICE or is_awaited):
            raise Waited(f"a copy from {source.device} to {target}")


class _Functions(TorchFunctionMode):
    """What never comes by as an operator: a list of numbers that is made a tensor on the device."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        if function in (torch.tensor, torch.as_tensor) and out.device == DEVICE:
            raise Waited("numbers of the host's made a tensor on the device")
        if getattr(function, "__name__", "") == "new_tensor" and out.device == DEVICE:
            raise Waited("numbers of the host's made a tensor on the device")
        return out


@contextmanager
def nobody_waits() -> Iterator[None]:
    with _Functions(), _Operators():
        yield
