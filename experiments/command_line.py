"""Another name of `graves_jax.commands.command_line`, which the installed commands share with these scripts."""

import pathlib
import sys
from typing import TYPE_CHECKING

from graves_jax.commands import command_line

if TYPE_CHECKING:
    from graves_jax.commands.command_line import *  # noqa: F403

# The package may be installed anywhere; the flagfiles are those beside the scripts.
command_line.FLAGFILES = pathlib.Path(__file__).parent / "flags"
sys.modules[__name__] = command_line
