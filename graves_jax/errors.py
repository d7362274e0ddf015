"""The one exception that a user's mistake raises, and the one warning."""


class InputError(ValueError):
    """What the user gave (a file, a text, a flag, a checkpoint) cannot be used.

    Its message is one sentence that says what was expected and what was found; the commands in `experiments/`
    print that sentence alone and leave with exit code 2.
    """


class FaultWarning(UserWarning):
    """A line that `write` returns went wrong, however often it was drawn; the message says what is wrong with it."""
