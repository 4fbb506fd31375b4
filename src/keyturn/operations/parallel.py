"""Run functions in parallel on threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_parallel(task: Callable[[T], R], items: list[T], workers: int) -> list[R]:
    """Return the result of ``task`` for each item, in order; one item or one worker needs no thread."""
    if len(items) <= 1 or workers == 1:
        return [task(item) for item in items]
    with ThreadPoolExecutor(min(workers, len(items))) as pool:
        return list(pool.map(task, items))


def start_background(task: Callable[[], T]) -> Callable[[], T]:
    """Start ``task`` on a daemon thread; return a function that waits for its result.

    The thread does not keep the process alive, so an interrupted run need not wait for a service
    that does not respond.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run_task() -> None:
        try:
            results.append(task())
        except BaseException as error:  # noqa: BLE001 - raised by wait_for_result
            errors.append(error)

    def wait_for_result() -> T:
        thread.join()
        if errors:
            raise errors[0]
        return results[0]

    thread = Thread(target=run_task, daemon=True)
    thread.start()
    return wait_for_result


def run_concurrently(tasks: list[Callable[[], T]]) -> list[T]:
    """Run all tasks and return their results in order; after all have finished, raise the first error."""
    results: list[T] = []
    errors: list[BaseException] = []
    for wait_for_result in [start_background(task) for task in tasks]:
        try:
            results.append(wait_for_result())
        except Exception as error:  # noqa: BLE001 - raised after the other tasks have finished
            errors.append(error)
    if errors:
        raise errors[0]
    return results
