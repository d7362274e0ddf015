"""Many processes, killed at random: data sets of written lines, and training on two hosts. Two parts of soak.py."""

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import time
from typing import Any

import tqdm

from soak.memory import MAX_GROWTH, resident_megabytes
from soak.training import Bench, differences, newest_checkpoint, wait_for_progress

SYNTHESIZE = pathlib.Path(__file__).parents[1] / "synthesize.py"
# Shards of a second, and as many as there are kills, so that many kills fall into a shard.
LINE_FLAGS = ("--weights=hershey", "--per_shard=50", "--characters=3,8", "--num_places=16")
LINES_A_KILL = 100
# A host that has lost the other ends within so many seconds.
MAX_SECONDS = 30.0
HOST_STEPS = 200


def survive_lost_drivers(bench: Bench, kills: int) -> tuple[dict[str, Any], list[str]]:
    """Writes a data set without disturbance, watching the memory, and again with the driver killed again and again.

    Returns:
      Lines, kills and megabytes after the first shard and at most; and what went wrong.
    """
    lines = LINES_A_KILL * kills
    process = _synthesize(bench, "undisturbed", lines)
    start = most = 0.0
    while process.poll() is None:
        if list((bench.folder / "undisturbed").glob("lines-*")):
            most = max(most, resident_megabytes(process.pid))
            start = start or most
        time.sleep(0.1)
    faults = [f"memory grew from {start:.0f} to {most:.0f} MB"] if most > MAX_GROWTH * start else []
    made = 0
    for _ in tqdm.tqdm(range(kills), desc="killed drivers", unit="kill"):
        process = _synthesize(bench, "killed", lines)
        # When it has begun, at a moment of the next two shards.
        while process.poll() is None and len(list((bench.folder / "killed").glob("lines-*"))) == made:
            time.sleep(0.01)
        time.sleep(bench.rng.uniform(0.0, 1.0))
        process.kill()
        process.communicate()
        made = len(list((bench.folder / "killed").glob("lines-*")))
    _synthesize(bench, "killed", lines).communicate()
    sums = [_sums(bench.folder / name) for name in ("undisturbed", "killed")]
    if sums[0] is None or sums[0] != sums[1]:
        faults.append("the data set of killed drivers is not that of one that was left alone")
    return {"lines": lines, "megabytes_after_a_shard": round(start), "megabytes_at_most": round(most)}, faults


def survive_lost_hosts(bench: Bench, kills: int) -> tuple[dict[str, Any], list[str]]:
    """Trains on two devices without disturbance, and on two processes of which one or the other is killed.

    Returns:
      The longest time that a host took to end when it had lost the other; and what went wrong.
    """
    expected, workdir = bench.folder / "two_devices", bench.folder / "two_hosts"
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    on_two = dataclasses.replace(bench, environment={"XLA_FLAGS": flags})
    on_two.finish(expected, HOST_STEPS)
    longest, faults = 0.0, []
    for kill in tqdm.tqdm(range(kills), desc="killed hosts", unit="kill"):
        hosts = _start_hosts(bench, workdir)
        wait_for_progress(workdir, hosts[0])
        time.sleep(bench.rng.uniform(0.0, 1.0))
        hosts[kill % 2].kill()
        killed = time.monotonic()
        _, other = (host.communicate() for host in (hosts[kill % 2], hosts[1 - kill % 2]))
        longest = max(longest, time.monotonic() - killed)
        if hosts[1 - kill % 2].returncode == 0 and int(newest_checkpoint(workdir).name) < HOST_STEPS:
            faults.append(f"kill {kill}: the host that was left ended as if nothing had been: {other[1][-200:]}")
    if longest > MAX_SECONDS:
        faults.append(f"a host that had lost the other went on for {longest:.0f} s")
    for host in _start_hosts(bench, workdir):
        host.communicate()
    faults += [f"two hosts: {difference} differs" for difference in differences(workdir, expected)]
    return {"seconds_until_the_other_ends": round(longest, 1)}, faults


def _start_hosts(bench: Bench, workdir: pathlib.Path) -> list[subprocess.Popen]:
    with socket.socket() as server:
        server.bind(("localhost", 0))
        address = f"localhost:{server.getsockname()[1]}"
    return [bench.start(workdir, HOST_STEPS, f"--hosts={address},2,{index}") for index in range(2)]


def _synthesize(bench: Bench, name: str, lines: int) -> subprocess.Popen:
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(bench.folder / "cache")}
    command = [sys.executable, str(SYNTHESIZE), *LINE_FLAGS, f"--lines={lines}", f"--output={bench.folder / name}"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _sums(folder: pathlib.Path) -> bytes | None:
    sums = folder / "SHA256SUMS"
    return sums.read_bytes() if sums.exists() else None
