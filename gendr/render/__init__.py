"""The renderer: `mesh -> camera -> rasterize -> image -> loss`."""

from gendr.render import losses, pose, schedules
from gendr.render.camera import Camera, Distortion
from gendr.render.camera_io import Views, load_cameras, save_cameras
from gendr.render.clip import clip_depth, clip_far, clip_near
from gendr.render.clipped import Clipped
from gendr.render.colmap_io import load_colmap
from gendr.render.deferred import shade_deferred
from gendr.render.formats import MeshError
from gendr.render.lights import AmbientLight, DirectionalLight, Light, PointLight, SphericalHarmonicsLight
from gendr.render.material import Material
from gendr.render.mesh import Mesh
from gendr.render.mesh_batch import MeshBatch
from gendr.render.normals import corner_normals, face_normals, vertex_normals
from gendr.render.rasterize import Raster, rasterize
from gendr.render.reach_report import ReachReport, reach_report
from gendr.render.renderer import Renderer, Rendering
from gendr.render.shading import shade
from gendr.render.softness import automatic_tau
from gendr.render.stages import BlendStage, RasterStage, ShadeStage
from gendr.render.texture import FaceTextures
from gendr.render.topology import MeshTopology

__all__ = [
    "AmbientLight",
    "BlendStage",
    "Camera",
    "Clipped",
    "DirectionalLight",
    "Distortion",
    "FaceTextures",
    "Light",
    "Material",
    "Mesh",
    "MeshBatch",
    "MeshError",
    "MeshTopology",
    "PointLight",
    "Raster",
    "RasterStage",
    "ReachReport",
    "Renderer",
    "Rendering",
    "ShadeStage",
    "SphericalHarmonicsLight",
    "Views",
    "automatic_tau",
    "clip_depth",
    "clip_far",
    "clip_near",
    "corner_normals",
    "face_normals",
    "load_cameras",
    "load_colmap",
    "losses",
    "pose",
    "rasterize",
    "reach_report",
    "save_cameras",
    "schedules",
    "shade",
    "shade_deferred",
    "vertex_normals",
]
