"""What a run is, is checked where it is said, and not hours into the run."""

import dataclasses
import math

import pytest

from graves_jax.errors import InputError
from graves_jax.training.config import _RANGES, TrainingConfig
from graves_jax.training.run import check_same_run


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"optimizer": "Adam"}, "optimizer to be one of rmsprop, adam, muon, found 'Adam'"),
        ({"gradient_per": "Line"}, "gradient_per to be one of line, point, found 'Line'"),
        ({"weight_noise": None}, "weight_noise to be one of none, batch, line, found None"),
        ({"batch_size": 0}, "batch_size to be a whole number of at least 1, found 0"),
        ({"batch_size": 2.5}, "batch_size to be a whole number of at least 1, found 2.5"),
        ({"batch_size": "32"}, "batch_size to be a whole number of at least 1, found '32'"),
        ({"batch_size": True}, "batch_size to be a whole number of at least 1, found True"),
        ({"num_steps": None}, "num_steps to be a whole number of at least 1, found None"),
        ({"max_points": 0}, "max_points to be a whole number of at least 1, found 0"),
        ({"decay": 7}, "decay of at least 0 and less than 1, found 7"),
        ({"momentum": 1.0}, "momentum of at least 0 and less than 1, found 1.0"),
        ({"ema_decay": -0.1}, "ema_decay of at least 0 and less than 1, found -0.1"),
        ({"learning_rate": 0.0}, "learning_rate of more than 0, found 0.0"),
        ({"learning_rate": math.nan}, "learning_rate of more than 0, found nan"),
        ({"learning_rate": math.inf}, "learning_rate of more than 0, found inf"),
        ({"epsilon": 0}, "epsilon of more than 0, found 0"),
        ({"max_gradient_norm": 0.0}, "max_gradient_norm of more than 0, found 0.0"),
        ({"warmup_steps": -1}, "warmup_steps to be a whole number of at least 0, found -1"),
        ({"slant": 61}, "slant of 0 to 60 degrees, found 61"),
        ({"seed": 2**32}, "seed to be a whole number of 0 to 2³² - 1, found 4294967296"),
        ({"any_style_share": 1.1}, "any_style_share of 0 to 1, found 1.1"),
    ],
)
def test_what_is_out_of_range_is_told_in_one_sentence(options, words):
    with pytest.raises(InputError) as error:
        TrainingConfig(**options)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_the_ends_of_the_ranges_are_in_them():
    TrainingConfig(
        num_steps=1, batch_size=1, max_points=1, warmup_steps=0, decay=0.0, momentum=0, max_gradient_norm=1, slant=60,
        any_style_share=1, rethin=1.0, seed=2**32 - 1,
    )  # fmt: skip


def test_every_number_has_a_range():
    chosen = {"optimizer", "gradient_per", "weight_noise", "centered"}
    assert {field.name for field in dataclasses.fields(TrainingConfig)} == chosen | set(_RANGES)


def test_a_run_of_an_older_version_goes_on(tmp_path, run):
    found = run.to_config()
    found["network"] = {name: value for name, value in found["network"].items() if name != "style_size"}
    check_same_run(run, found | {"network": found["network"] | {"implementation": "auto"}}, tmp_path)
    with pytest.raises(InputError, match=r"found network\.implementation 'reference' there"):
        check_same_run(run, found | {"network": found["network"] | {"implementation": "reference"}}, tmp_path)


def test_a_run_may_be_prolonged_and_regularised_on_its_way_and_nothing_else(run, tmp_path):
    for name, value in (("num_steps", 99), ("cooldown_steps", 3), ("dropout", 0.1), ("weight_drop", 0.1)):
        found = run.to_config()
        found["training"] = found["training"] | {name: value}
        check_same_run(run, found, tmp_path)
    found["training"] = found["training"] | {"batch_size": 77}
    with pytest.raises(InputError, match=r"training\.batch_size 77"):
        check_same_run(run, found, tmp_path)
