"""What all scripts share. It lives in the package, for the installed commands have it too; this name stands for it."""

import pathlib
import sys

from graves_jax.commands import command_line

# The package may be installed anywhere; the flagfiles are those beside the scripts.
command_line.FLAGFILES = pathlib.Path(__file__).parent / "flags"
sys.modules[__name__] = command_line
