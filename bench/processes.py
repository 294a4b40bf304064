"""What processes cost, as the kernel counts it, and how one is ended with all that it started."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.supervisor import Process

TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Sample:
    """Totals at one moment: CPU in seconds, memory in bytes."""

    at: float
    server: float
    postgres: float
    client: float
    machine: float
    stolen: float
    memory: int


def families() -> dict[int, list[int]]:
    """The children of every process of the machine."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields:
                found.setdefault(int(fields[1]), []).append(int(entry.name))
    return found


def tree(root: int, children: Mapping[int, Sequence[int]]) -> list[int]:
    """The process and all that descend from it."""
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu(pids: Iterable[int]) -> float:
    """Seconds that processes have used, and their children that ended and were waited for."""
    used = 0.0
    for pid in pids:
        fields = _stat(pid)
        if fields:
            used += _own_cpu(pid, fields) + (int(fields[13]) + int(fields[14])) * TICK  # cutime, cstime
    return used


def machine_cpu() -> tuple[float, float]:
    """Seconds that all processes of the machine have used, and seconds that its host kept back from it."""
    user, nice, system, _idle, _wait, _irq, _softirq, stolen = (
        Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (int(user) + int(nice) + int(system)) * TICK, int(stolen) * TICK


def memory(pids: Iterable[int]) -> int:
    """Bytes of processes, each page that several share counted once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def stop(process: Process, seconds: float = 10) -> None:
    """Ends it by SIGTERM; after some seconds kills what is left of its tree."""
    pids = tree(process.pid, families())
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        for pid in pids:
            _kill(pid)
        process.wait()


def _own_cpu(pid: int, fields: list[str]) -> float:
    """utime and stime: from the clock of the process, which counts nanoseconds where /proc/<pid>/stat counts 10 ms."""
    try:
        return time.clock_gettime(~pid << 3 | 2)  # how clock_getcpuclockid(3) makes the clock's id
    except OSError:
        return (int(fields[11]) + int(fields[12])) * TICK


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended by itself


def _stat(pid: int) -> list[str]:
    try:
        # The name, in parentheses, may hold spaces and parentheses itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []  # it ended meanwhile
