"""benchmark.py: the keys of its report are relied on from outside; its figures are not tested."""

import json

import pytest

from .conftest import run_script

SMALL = ("--hidden_size=8", "--points=8", "--sampled_points=8", "--repeats=1", "--batch_sizes=2,4")


def run(*flags):
    return run_script("benchmark.py", *flags)


@pytest.mark.parametrize(
    "what, keys, row_keys",
    [
        (
            "train",
            {"backend", "device", "matmul_peak_gflops"},
            {"reference_points_per_s", "fused_points_per_s", "fused_fraction_of_peak", "step_points_per_s"},
        ),
        (
            "sample",
            {"one_line_points_per_s", "bandwidth_limit_points_per_s", "one_line_fraction_of_limit"},
            {"batch_points_per_s"},
        ),
    ],
)
def test_the_report_has_its_keys(what, keys, row_keys):
    done = run(f"--what={what}", *SMALL)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert keys <= report.keys() and {"2", "4"} <= report.keys()
    assert row_keys <= report["2"].keys()
    assert all(value > 0 for value in report["2"].values())


def test_wrong_batch_sizes_are_one_sentence():
    done = run("--batch_sizes=2,none")
    assert done.returncode == 2 and "--batch_sizes" in done.stderr and "Traceback" not in done.stderr
