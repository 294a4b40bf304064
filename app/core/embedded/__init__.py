"""The private Postgres of a default installation: a cluster in DATA_DIR/postgres, a child process, a socket of its own.

Who holds the lock of DATA_DIR runs Postgres; another program on the same DATA_DIR connects to it. Postgres inherits the
lock, so as long as any process of it lives, killed parent or not, nobody else touches the cluster.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from app.core.embedded.cluster import PATIENCE, Cluster
from app.core.embedded.places import EmbeddedError

__all__ = ["Cluster", "EmbeddedError", "prepare", "running"]


@contextlib.contextmanager
def running(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """The DSN of a running Postgres, started and ended here unless another program already runs it.

    `durable=False` is for the throwaway clusters of tests alone. Raises EmbeddedError, or OSError when a folder of
    DATA_DIR cannot be used.
    """
    cluster = prepare(data_dir, durable=durable)
    try:
        process = cluster.start()
        try:
            if process is not None:
                cluster.wait_ready(process)
            yield cluster.dsn
        finally:
            if process is not None:
                cluster.stop(process)
    finally:
        cluster.close()


def prepare(data_dir: Path, *, durable: bool = True) -> Cluster:
    """A cluster that can be started, made first if need be; or, if another program runs it, one that answers."""
    data_dir = data_dir.absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(data_dir, durable)
    try:
        _wait_for_lock_or_answer(cluster)
        cluster.settle()
    except BaseException:
        cluster.close()
        raise
    return cluster


def _wait_for_lock_or_answer(cluster: Cluster) -> None:
    deadline = time.monotonic() + PATIENCE
    while not cluster.own() and not cluster.answers():
        if time.monotonic() > deadline:
            raise EmbeddedError(f"another program holds {cluster.lock_path}, but no Postgres answers: end that program")
        time.sleep(0.05)
