"""What an image is made of besides faces, finite and on the mesh's device, before anything is drawn.

On the CPU a value that is not finite is refused by its name. On a GPU nobody waits to see: it counts as 0, and a later
call raises; with `validate` it is refused here.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from gendr import _cuda, _ops
from gendr.distributions._values import at_hand
from gendr.render.camera import Camera, Distortion
from gendr.render.lights import Light
from gendr.render.mesh import Mesh
from gendr.render.mesh_batch import MeshBatch
from gendr.render.shading import Lights

T = TypeVar("T")


def finite(name: str, value: Any, validate: bool = False) -> Any:
    """A tensor whose numbers are finite; anything else as it is.

    Raises:
        ValueError: a NaN or an infinity, where it can be seen without waiting, or `validate` says to wait.

    >>> finite("background", torch.tensor([0.5])), finite("background", 0.5)
    (tensor([0.5000]), 0.5)
    """
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    if validate and value.is_cuda:
        _cuda.validate(**{name: value})
    return _ops.finite(name, value)


def finite_fields(prefix: str, whole: T, validate: bool = False) -> T:
    """A dataclass with finite tensors for fields; itself where they are so already, unchecked copies otherwise.

    >>> from gendr.render.lights import AmbientLight
    >>> light = AmbientLight(torch.ones(3))
    >>> finite_fields("lights[0]", light) is light
    True
    """
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(whole):  # type: ignore[arg-type]
        old = getattr(whole, field.name)
        name = f"{prefix}.{field.name}"
        new = finite_fields(name, old, validate) if isinstance(old, Distortion) else finite(name, old, validate)
        if new is not old:
            changes[field.name] = new
    return _changed(whole, changes)


def finite_lights(lights: Lights | None, device: torch.device, validate: bool = False) -> Lights | None:
    """Lights with finite tensors; what they have on the CPU without a gradient, numbers above all, on `device`.

    >>> from gendr.render.lights import AmbientLight
    >>> finite_lights([AmbientLight(0.5)], torch.device("meta"))[0].color.device.type
    'meta'
    """
    if isinstance(lights, Light):
        return _light("lights", lights, device, validate)
    if not isinstance(lights, (list, tuple)):
        return lights
    return [_light(f"lights[{i}]", light, device, validate) for i, light in enumerate(lights)]


def finite_mesh(mesh: Mesh | MeshBatch, validate: bool = False) -> Mesh | MeshBatch:
    """Meshes over finite vertices. Those on the CPU have been looked at when they were made; kernels look again.

    >>> ball = Mesh.icosphere(0)
    >>> finite_mesh(ball) is ball
    True
    """
    vertices = (mesh.mesh if isinstance(mesh, MeshBatch) else mesh).vertices
    return mesh if at_hand(vertices) else mesh.with_vertices(finite("vertices", vertices, validate))


def finite_camera(camera: Camera, validate: bool = False) -> Camera:
    """A camera of finite numbers.

    >>> camera = Camera.look_at()
    >>> finite_camera(camera) is camera
    True
    """
    return finite_fields("camera", camera, validate)


def _light(name: str, light: Light, device: torch.device, validate: bool) -> Light:
    if not dataclasses.is_dataclass(cast(object, light)):
        return light  # somebody's own, or no light, which shading refuses
    sound = finite_fields(name, light, validate)
    tensors = {n: v for n, v in vars(sound).items() if isinstance(v, Tensor)}
    constants = {n: v for n, v in tensors.items() if v.device.type == "cpu" != device.type and not v.requires_grad}
    return _changed(sound, {n: _cuda.to_device(v, device) for n, v in constants.items()})


def _changed(whole: T, changes: dict[str, Any]) -> T:
    """Past __init__, whose checks it has passed already."""
    if not changes:
        return whole
    other = copy.copy(whole)
    other.__dict__.update(changes)
    return other
