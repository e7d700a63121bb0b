"""What the training commands share: checkpoints, the table of a run, a progress bar."""

from gendr.tools.training.checkpoint import load_checkpoint, save_checkpoint
from gendr.tools.training.log import Log
from gendr.tools.training.progress import TrainingProgress
from gendr.tools.training.state_tensors import restore, state_tensors

__all__ = ["Log", "TrainingProgress", "load_checkpoint", "restore", "save_checkpoint", "state_tensors"]
