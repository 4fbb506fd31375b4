"""Several things at once: many of one sort, a few of different sorts, one while another is done."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_parallel(task: Callable[[T], R], items: list[T], workers: int) -> list[R]:
    """Return what ``work`` gives for each item, in their order; with one of either, without threads."""
    if len(items) <= 1 or workers == 1:
        return [task(item) for item in items]
    with ThreadPoolExecutor(min(workers, len(items))) as pool:
        return list(pool.map(task, items))


def start_background(task: Callable[[], T]) -> Callable[[], T]:
    """Begin a work; what is returned waits for its end, and gives what came of it or raises what it raised.

    Nobody waits for it but that call: who interrupts it need not wait for a service that is silent.
    """
    done: list[T] = []
    errors: list[BaseException] = []

    def run_work() -> None:
        try:
            done.append(task())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            errors.append(error)

    def wait_for_result() -> T:
        thread.join()
        if errors:
            raise errors[0]
        return done[0]

    thread = Thread(target=run_work, daemon=True)
    thread.start()
    return wait_for_result


def run_concurrently(tasks: list[Callable[[], T]]) -> list[T]:
    """Return what comes of each work, in their order, once all are over; raises what the first raised."""
    ends = [start_background(work) for work in tasks]
    results: list[T] = []
    errors: list[BaseException] = []
    for end in ends:
        try:
            results.append(end())
        except Exception as error:  # noqa: BLE001 - the others are waited for first
            errors.append(error)
    if errors:
        raise errors[0]
    return results
