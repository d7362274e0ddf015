"""The metrics in TensorBoard's form too, where TensorBoard is installed: `tensorboard --logdir=run`."""

import pathlib
from collections.abc import Callable
from typing import Any


def scalar_writer(workdir: pathlib.Path) -> Callable[[dict[str, Any]], None]:
    """What writes a row of metrics to workdir/tensorboard; without TensorBoard it does nothing.

    A run that goes back to a checkpoint writes the rows after it once more, with the same values.
    """
    try:
        from tensorboard.summary import Writer  # pyright: ignore[reportMissingImports] (optional)
    except ImportError:
        return lambda row: None
    writer = Writer(str(workdir / "tensorboard"))

    def write(row):
        for name, value in row.items():
            if name != "step" and value is not None:
                writer.add_scalar(name, value, step=row["step"])
        writer.flush()

    return write
