"""The best renderer as a Python program that runs as it is."""

from __future__ import annotations

from gendr.tools.renderer_file import Setting
from gendr.tools.tune.task import Task

_HEAD = '''"""The renderer that gendr tune chose for {target} (task: {task})."""

import gendr
from gendr import distributions, tnorms
from gendr.render.schedules import {schedule}

STEPS = {steps}
DISTRIBUTION = distributions.from_spec("{distribution}")
T_CONORM = tnorms.from_spec("{t_conorm}")
TAU = {schedule}({tau[0]!r}, {tau[1]!r}, STEPS)


def renderer(step: int, image_size: int = {image_size}) -> gendr.Renderer:
    """The renderer for a step of your own optimisation: renderer(step)(mesh, camera).alpha."""
    return gendr.Renderer(image_size, DISTRIBUTION, TAU(step), T_CONORM)


'''

_SHAPE = '''def main() -> None:
    """Fit a sphere to the target with it."""
    from gendr.tools.fit import configure, fit, load_target

    target = load_target({target!r}{views}, image_size={image_size})
    config = configure(
        distribution=DISTRIBUTION,
        t_conorm=T_CONORM,
        tau=(TAU.start, TAU.end),
        schedule={name!r},
        lr={lr!r},
        steps=STEPS,
    )
    result = fit(target.alpha, target.camera, config)
    print(f"IoU {{result.best.hard_iou:.4f}}")


if __name__ == "__main__":
    main()
'''

_POSE = '''def main() -> None:
    """Turn cameras back to where silhouettes of the target were seen from with it."""
    from gendr.tools.bench.pose_protocol import run_pose
    from gendr.tools.bench.tasks import PoseRun

    run = PoseRun(
        {target!r},
        str(DISTRIBUTION),
        str(T_CONORM),
        lr={lr!r},
        pairs=(0, 12),
        steps=STEPS,
        image_size={image_size},
        tau=(TAU.start, TAU.end),
    )
    print(f"{{run_pose(run).metric:.0%}} of the poses within 5 degrees")


if __name__ == "__main__":
    main()
'''


def snippet(setting: Setting, task: Task) -> str:
    """The program's text.

    >>> from gendr.tools.tune.shape_task import ShapeTask
    >>> task = ShapeTask("teapot", views=4, image_size=16, steps=2)
    >>> exec(compile(snippet(task.default, task), "renderer.py", "exec"), names := {"__name__": "tuned"})
    >>> names["renderer"](1, 32).t_conorm
    Probabilistic()
    """
    views = task.fingerprint().get("views")
    words = {
        "task": task.name,
        "target": task.target,
        "steps": task.steps,
        "image_size": task.image_size,
        "distribution": setting.distribution,
        "t_conorm": setting.t_conorm,
        "schedule": setting.schedule.replace("-", "_"),
        "name": setting.schedule,
        "tau": setting.tau,
        "lr": setting.lr,
        "views": "" if views is None or task.brings_cameras else f", views={views}",
    }
    return (_HEAD + (_SHAPE if task.name == "shape" else _POSE)).format(**words)
