"""The command line: `gendr fit | render | pose | bench | tune | train | train eval | reconstruct | info`."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from gendr.tools.arguments import BAD_ARGUMENTS, complain
from gendr.tools.bench.command import PARTS, Bench
from gendr.tools.draw import Render
from gendr.tools.fit.command import Fit
from gendr.tools.info import Info
from gendr.tools.pose.command import Pose
from gendr.tools.reconstruct.command import Train
from gendr.tools.reconstruct.eval_command import TrainEval
from gendr.tools.reconstruct.one_command import Reconstruct
from gendr.tools.tune.command import Tune

COMMANDS = (Fit, Render, Pose, Bench, Tune, Train, Reconstruct, Info)

Command = (
    Annotated[Fit, tyro.conf.subcommand("fit", description=Fit.help)]
    | Annotated[Render, tyro.conf.subcommand("render", description=Render.help)]
    | Annotated[Pose, tyro.conf.subcommand("pose", description=Pose.help)]
    | Annotated[Bench, tyro.conf.subcommand("bench", description=Bench.help)]
    | Annotated[Tune, tyro.conf.subcommand("tune", description=Tune.help)]
    | Annotated[Train, tyro.conf.subcommand("train", description=Train.help)]
    | Annotated[TrainEval, tyro.conf.subcommand("train eval", description=TrainEval.help)]
    | Annotated[Reconstruct, tyro.conf.subcommand("reconstruct", description=Reconstruct.help)]
    | Annotated[Info, tyro.conf.subcommand("info", description=Info.help)]
)

_DESCRIPTION = "A differentiable mesh renderer whose occlusion distribution and T-conorm are yours to choose."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: those after the program's name; by default the process's own.

    Returns:
        The exit code: 0; 2 for arguments that cannot be used, which get one line on standard error; 130 when
        interrupted.
    """
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if words[:2] == ["train", "eval"]:
        words[:2] = ["train eval"]  # a command of two words
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            command = tyro.cli(Command, prog="gendr", description=_DESCRIPTION, args=words)
    except SystemExit as stop:
        if stop.code != BAD_ARGUMENTS:
            return stop.code if isinstance(stop.code, int) else 0
        complain("gendr", f"{one_line(errors.getvalue())} (see gendr {_subject(words)}--help)")
        return BAD_ARGUMENTS
    try:
        return command.run()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    except KeyboardInterrupt:
        return 130


def one_line(box: str) -> str:
    r"""What a boxed error of tyro's says, without frame, colours, and the advice below its first rule.

    >>> one_line("╭─ Invalid ──────╮\n│ 'c' is none of │\n│ a, b.          │\n│ ────────────── │\n│ See --help │")
    "'c' is none of a, b."
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [line.strip(" │") for line in plain.splitlines()]
    lines = [line for line in lines if line and line[0] not in "╭╰"]
    is_rule = [set(line) <= set("─-") for line in lines]
    if "╭" not in plain and is_rule[1:2] == [True]:  # where the encoding has no frames, a rule is below the title
        lines, is_rule = lines[2:], is_rule[2:]
    rules = [index for index, rule in enumerate(is_rule) if rule]
    told, rest = (lines[: rules[0]], lines[rules[0] + 1 :]) if rules else (lines, [""])
    if told and told[0].startswith("Missing from"):
        # Within the frame names are set in by four, the help to each by eight, and a command by four again.
        names = re.findall(r"^[│ ] {5}(?! |gendr )(.*?)[ │]*$", plain, re.MULTILINE)
        return f"{told[0]} {', '.join(names)}"
    if rest[0].startswith("Perhaps you meant") and len(rest) > 1:
        told = [*told, f"- perhaps you meant {rest[1]}"]
    if rest[0].startswith("Available"):
        end = next((index for index, line in enumerate(rest) if set(line) <= set("─-")), len(rest))
        told = [*told, f"- {' '.join(rest[:end]).lower()}"]
    return " ".join(told)


def _subject(words: Sequence[str]) -> str:
    if words[0] not in ["train eval", *(cls.__name__.lower() for cls in COMMANDS)]:
        return ""
    has_part = words[0] == "bench" and words[1:2] and words[1] in PARTS
    return " ".join(words[: 2 if has_part else 1]) + " "


if __name__ == "__main__":
    sys.exit(main())
