"""Runs of the benchmark: keys that say all, canonical forms, errors that name the field."""

import dataclasses
import json

import pytest

from gendr.tools.bench.tasks import PoseRun, Run, ShapeRun

SHAPE = ShapeRun("airplane", "logistic(squared)", "yager(p=2)", elevation=-30.0, lr=10**-1.5, tau=10**-4.4, seed=3)
POSE = PoseRun("teapot", "gamma(p=0.5, reversed)", "probabilistic", lr=0.3, pairs=(12, 15))


@pytest.mark.parametrize("run", [SHAPE, POSE], ids=["shape", "pose"])
def test_keys_lead_back_to_their_runs(run):
    assert Run.from_key(run.key) == run
    assert Run.from_key(run.key).key == run.key
    assert json.loads(run.key) == json.loads(json.dumps(run.as_dict()))


@pytest.mark.parametrize("run", [SHAPE, POSE], ids=["shape", "pose"])
def test_every_field_is_in_the_key(run):
    other = {
        "mesh": "cow",
        "distribution": "cauchy",
        "t_conorm": "einstein",
        "elevation": 0.0,
        "lr": 0.5,
        "tau": 1e-3 if run.protocol == "shape" else (1e-3, 1e-4),
        "seed": 9,
        "steps": 7,
        "image_size": 32,
        "views": 4,
        "pairs": (0, 2),
    }
    keys = {dataclasses.replace(run, **{f.name: other[f.name]}).key for f in dataclasses.fields(run)}
    assert len(keys | {run.key}) == len(dataclasses.fields(run)) + 1


def test_equal_settings_have_equal_keys():
    one = ShapeRun("airplane", "gamma(p=1)", "yager(p=2)", elevation=30, lr=1, tau=1)
    other = ShapeRun("airplane", " gamma( p = 1.0 ) ", "yager(p=2.0)", elevation=30.0, lr=1.0, tau=1.0)
    assert one == other
    assert one.key == other.key
    rounded = PoseRun("teapot", "uniform", "maximum", lr=1, pairs=(0, 3), tau=(1, 1e-3))
    assert rounded.key == PoseRun("teapot", "uniform", "maximum", lr=1.0, pairs=(0, 3), tau=(1.0, 1e-3)).key


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mesh": ""}, "mesh: expected a scene's name or a mesh file"),
        ({"distribution": "logistics"}, "distribution: "),
        ({"t_conorm": "yager"}, "t_conorm: "),
        ({"lr": 0.0}, "lr: expected a number in"),
        ({"lr": float("nan")}, "lr: expected a number in"),
        ({"tau": -1.0}, "tau: expected a number in"),
        ({"elevation": 91.0}, "elevation: expected a number in"),
        ({"seed": -1}, "seed: expected a number in"),
        ({"steps": 0}, "steps: expected a number in"),
        ({"steps": 10.0}, "steps: expected a whole number"),
        ({"image_size": True}, "image_size: expected a whole number"),
        ({"views": 0}, "views: expected a number in"),
    ],
)
def test_bad_fields_of_a_shape_run_are_named(changes, message):
    with pytest.raises((ValueError, TypeError)) as error:
        dataclasses.replace(SHAPE, **changes)
    assert str(error.value).startswith(message), str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pairs": (3, 3)}, "pairs: expected a number in"),
        ({"pairs": (-1, 3)}, "pairs: expected a number in"),
        ({"pairs": 3}, "pairs: expected the first and the end of the problems"),
        ({"tau": 1e-3}, "tau: expected the first and the last softness"),
        ({"tau": (1e-3, 0.0)}, "tau: expected a number in"),
    ],
)
def test_bad_fields_of_a_pose_run_are_named(changes, message):
    with pytest.raises((ValueError, TypeError)) as error:
        dataclasses.replace(POSE, **changes)
    assert str(error.value).startswith(message), str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "key: expected the key of a run, got ''"),
        ("[]", "key: expected the key of a run"),
        ('{"protocol":"colour"}', "key: expected the key of a run"),
        ('{"protocol":"shape"}', "key: expected the fields distribution, elevation"),
        (SHAPE.key.replace('"steps":100', '"steps":0'), "steps: expected a number in"),
    ],
)
def test_what_is_no_key_is_refused(text, message):
    with pytest.raises(ValueError, match="expected") as error:
        Run.from_key(text)
    assert str(error.value).startswith(message), str(error.value)
    with pytest.raises(TypeError, match="key: expected the key of a run"):
        Run.from_key(3)
