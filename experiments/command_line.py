"""What all scripts share. It lives in the package, for the installed commands have it too; this name stands for it."""

import sys

from graves_jax.commands import command_line

sys.modules[__name__] = command_line
