"""The pictures show what they say: colours where they belong, one column per view, frames from start to end."""

import numpy as np
import pytest
import torch
from PIL import Image

from gendr.render import Mesh
from gendr.tools.fit import configure, fit, load_target, ring, silhouettes
from gendr.tools.fit.animation import TURNING, Recorder, save_animation
from gendr.tools.fit.pictures import BOTH, CELL, EXCESS, GAP, INK, MARGIN, MISSING, contact_sheet, curve
from gendr.tools.fit.shading import PAPER, shaded
from gendr.tools.fit.target import Target
from gendr.tools.fit.views import close_up


@pytest.fixture(scope="module")
def fitted():
    target = load_target("teapot", views=4, image_size=16)
    recorder = Recorder(6, frames=4)
    return target, fit(target.alpha, target.camera, configure(steps=6, level=1), on_step=recorder), recorder


@pytest.fixture(scope="module")
def masks(fitted):
    target = fitted[0]
    return Target("masks", target.camera, target.alpha, masks=target.alpha)


def cell(sheet, row, column):
    x, y = MARGIN + column * (CELL + GAP), GAP + row * (CELL + GAP)
    return np.asarray(sheet.crop((x, y, x + CELL, y + CELL)))


def share(pixels, colour):
    return (pixels == np.array(colour)).all(-1).mean()


def test_contact_sheet_has_its_rows(fitted):
    target, result, _ = fitted
    sheet = contact_sheet(target, result)
    assert sheet.size[0] == MARGIN + 4 * (CELL + GAP)
    camera = close_up(target.camera, [target.mesh, result.start, result.mesh])
    for row, mesh in enumerate((target.mesh, result.start, result.mesh)):
        covered = silhouettes(mesh, camera, CELL)[1].mean().item()
        # Antialiased edges are neither ink nor paper: a few per cent of a silhouette of this size.
        assert share(cell(sheet, row, 1), INK) == pytest.approx(covered, abs=0.03)
    seen, got = (silhouettes(mesh, camera, CELL)[1].bool() for mesh in (target.mesh, result.mesh))
    for colour, mask in ((BOTH, seen & got), (MISSING, seen & ~got), (EXCESS, got & ~seen)):
        assert share(cell(sheet, 3, 1), colour) == pytest.approx(mask.float().mean().item(), abs=0.03)


def test_contact_sheet_of_masks(fitted, masks):
    sheet = contact_sheet(masks, fitted[1], columns=2)
    assert sheet.size[0] == MARGIN + 2 * (CELL + GAP)
    covered = masks.alpha[2].mean().item()  # the second of two columns spread over four views
    assert share(cell(sheet, 0, 1), INK) == pytest.approx(covered, abs=0.1)  # 16 pixels blown up to 160


def test_curve_has_its_size(fitted):
    assert curve(fitted[1]).size == (720, 400)


@pytest.mark.parametrize("kind", ["mesh", "masks"])
def test_animation_runs_from_the_first_step_to_the_best(fitted, masks, tmp_path, kind):
    target, result, recorder = fitted
    save_animation(tmp_path / "a.gif", target if kind == "mesh" else masks, result, recorder)
    with Image.open(tmp_path / "a.gif") as image:
        # Pillow joins frames that do not differ: views of a mask repeat.
        assert 4 <= image.n_frames <= len(recorder.shapes) + TURNING
        assert image.convert("RGB").getpixel((0, 0)) == PAPER


def test_the_recorder_keeps_the_first_and_the_last():
    for steps, frames in ((1, 40), (3, 40), (100, 40), (1000, 2)):
        kept = [index for index in range(steps) if Recorder(steps, frames).wants(index)]
        assert kept[0] == 0
        assert kept[-1] == steps - 1
        assert len(kept) <= frames


def test_shading_covers_the_silhouette_and_hides_what_is_behind():
    camera = ring(1, 0.0)
    sphere = Mesh.icosphere(3, radius=0.5)
    picture = np.asarray(shaded(sphere, camera, 64, (200, 100, 50)))
    drawn = (picture != 255).any(-1)
    wanted = silhouettes(sphere, camera, 64)[0].bool().numpy()
    assert (drawn & wanted).sum() / (drawn | wanted).sum() > 0.95  # outlines add half a pixel
    # A wall half way between eye and sphere: only the wall is seen.
    corners = torch.tensor([[-1.0, -1.0, -1.5], [1.0, -1.0, -1.5], [1.0, 1.0, -1.5], [-1.0, 1.0, -1.5]])
    vertices = torch.cat((corners, sphere.vertices))
    faces = torch.cat((torch.tensor([[0, 1, 2], [0, 2, 3]]), sphere.faces + 4))
    assert len(np.unique(np.asarray(shaded(Mesh(vertices, faces), camera, 64)).reshape(-1, 3), axis=0)) == 1
