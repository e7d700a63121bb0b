"""Measuring a run: a perfect predictor, the baseline, the table, the commands, bad input."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from gendr import Mesh, cli
from gendr.tools.reconstruct.evaluate import evaluate, predicted_voxels, table
from gendr.tools.reconstruct.image import read_image
from gendr.tools.reconstruct.predict import load_run
from gendr.tools.reconstruct.retrieval import Retrieval, nearest
from gendr.tools.shapes.layout import ShapeData
from reconstruct_data import SIZES, box, write_boxes

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of lightning's and tensorboard's own imports


@pytest.fixture(scope="module")
def boxes(tmp_path_factory):
    return write_boxes(tmp_path_factory.mktemp("boxes"))


@pytest.fixture(scope="module")
def run(boxes, tmp_path_factory):
    """A run of one step."""
    out = tmp_path_factory.mktemp("runs") / "run"
    words = ["train", "--data", boxes, "--out", out, "--classes", "chair,table", "--model", "modern", "--steps", "1"]
    assert cli.main([str(word) for word in [*words, "--batch", "2", "--threads", "1", "--accelerator", "cpu"]]) == 0
    return out


def test_a_perfect_predictor_has_iou_one(boxes):
    data = ShapeData(boxes, "chair,table", "test")
    known = {data.images(name)[i, v].tobytes(): box(SIZES[name][i]).vertices
             for name in data.names for i in range(2) for v in (0, 8, 16)}  # fmt: skip

    def predict(images):
        return torch.stack([known[(image * 255).round().byte().numpy().tobytes()] for image in images])

    faces = box((1, 1, 1)).faces
    assert evaluate(data, predicted_voxels(predict, faces), views=3) == {"chair": 1.0, "table": 1.0}
    # half of the objects right, the other half as the first one
    wrong = evaluate(data, predicted_voxels(lambda images: predict(images[:1]).expand(len(images), -1, -1), faces), 3)
    assert 0.5 < wrong["chair"] < 1.0


def test_retrieval_finds_what_it_knows(boxes):
    train, test = (ShapeData(boxes, "chair,table", split) for split in ("train", "test"))
    assert evaluate(test, Retrieval(train), views=4) == {"chair": 1.0, "table": 1.0}


def test_nearest_against_a_loop():
    known, wanted = torch.rand(50, 40) > 0.5, torch.rand(9, 40) > 0.6
    scores = [[float((k & w).sum() / (k | w).sum()) for k in known] for w in wanted]
    assert nearest(known, wanted).tolist() == [int(np.argmax(row)) for row in scores]


def test_the_table_has_the_published_headings():
    names = ["airplane", "bench", "cabinet", "car", "chair", "display", "lamp", "loudspeaker", "rifle", "sofa",
             "table", "telephone", "vessel"]  # fmt: skip
    lines = table({"a": dict.fromkeys(names, 0.5)}).splitlines()
    heads = ["Airplane", "Bench", "Dresser", "Car", "Chair", "Display", "Lamp", "Speaker", "Rifle", "Sofa", "Table",
             "Phone", "Vessel", "Mean"]  # fmt: skip
    assert [cell.strip() for cell in lines[0].split("|")[1:-1]] == ["Method", *heads]
    assert lines[2].count("0.5000") == 14


def test_the_eval_command(run, capsys):
    assert cli.main(["train", "eval", str(run), "--views", "2"]) == 0
    out = run / "eval_test"
    written = ["contact_sheet.png", "curve.png", "meshes", "metrics.json", "table.md"]
    assert sorted(path.name for path in out.iterdir()) == written
    assert (out / "table.md").read_text().splitlines()[0] == "| Method | Chair | Table | Mean |"
    assert Mesh.load(out / "meshes" / "chair.obj").n_faces == 1280
    found = json.loads((out / "metrics.json").read_text())
    assert found["iou"]["nearest training silhouette"] == {"chair": 1.0, "table": 1.0, "mean": 1.0}
    assert cli.main(["train", "eval", str(run), "--views", "2"]) == 2
    assert "--overwrite to replace the results" in capsys.readouterr().err


def test_reconstruct(run, boxes, tmp_path, capsys):
    image = ShapeData(boxes, "chair", "test").images("chair")[0, 3].transpose(1, 2, 0).copy()
    Image.fromarray(image).save(tmp_path / "chair.png")
    Image.fromarray(image).resize((200, 160)).save(tmp_path / "large.png")
    words = ["reconstruct", str(tmp_path / "chair.png"), "--run", str(run), "-o", str(tmp_path / "chair.obj")]
    assert cli.main(words) == 0
    assert capsys.readouterr().err == ""
    mesh = Mesh.load(tmp_path / "chair.obj")
    trained = load_run(run)
    same = trained.vertices(torch.from_numpy(image.transpose(2, 0, 1)).float()[None] / 255)[0]
    assert torch.allclose(mesh.vertices, same, atol=1e-6)  # colours through eight bits and back
    assert cli.main(words) == 2
    assert "a new file, or --overwrite" in capsys.readouterr().err
    assert cli.main(["reconstruct", str(tmp_path / "large.png"), "--run", str(run), "-o", str(tmp_path / "l.obj")]) == 0
    assert "padded from 200x160 to a square; resized from 200x200 to 64x64" in capsys.readouterr().err


def test_pictures_without_silhouette(run, tmp_path, capsys):
    Image.new("RGB", (64, 64), (90, 90, 90)).save(tmp_path / "photo.png")
    words = ["reconstruct", str(tmp_path / "photo.png"), "--run", str(run), "-o", str(tmp_path / "a.obj")]
    assert cli.main(words) == 2
    assert "an alpha channel, or --mask" in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (20, 20, 40, 50))
    mask.save(tmp_path / "mask.png")
    assert cli.main([*words, "--mask", str(tmp_path / "mask.png")]) == 0
    assert read_image(tmp_path / "photo.png", tmp_path / "mask.png")[0][3].sum() == 20 * 30


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: None, "expected an image file, got none"),
        (lambda path: path.write_bytes(b"GIF89a"), "image"),
        (lambda path: path.write_text("hello"), "expected an image file"),
        (lambda path: Image.new("RGBA", (64, 64)).save(path), "a silhouette of at least one pixel"),
    ],
)
def test_files_that_are_no_pictures(run, tmp_path, capsys, make, text):
    make(tmp_path / "a.png")
    words = ["reconstruct", str(tmp_path / "a.png"), "--run", str(run), "-o", str(tmp_path / "a.obj")]
    assert cli.main(words) == 2
    assert text in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
    assert not (tmp_path / "a.obj").exists()


def test_no_run(tmp_path, capsys):
    assert cli.main(["train", "eval", str(tmp_path)]) == 2
    assert "a folder that gendr train wrote" in capsys.readouterr().err


def test_images_out_of_range(run):
    with pytest.raises(ValueError, match=r"images: expected values in \[0, 1\]"):
        load_run(run).vertices(torch.full((1, 4, 64, 64), 255.0))
    with pytest.raises(ValueError, match="images: expected float32"):
        load_run(run).vertices(torch.zeros(1, 4, 32, 32))
