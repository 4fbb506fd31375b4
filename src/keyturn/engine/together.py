"""Several things at once: many of one sort, or a few of different sorts."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(work: Callable[[T], R], items: list[T], workers: int) -> list[R]:
    """Return what ``work`` gives for each item, in their order; with one of either, without threads."""
    if len(items) <= 1 or workers == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(workers, len(items))) as pool:
        return list(pool.map(work, items))


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """Return what comes of each work, in their order, once all are over; raises what the first raised.

    Nobody waits for them but this call: who interrupts it need not wait for a service that is silent.
    """
    done: dict[int, T] = {}
    errors: dict[int, BaseException] = {}

    def one(number: int) -> None:
        try:
            done[number] = works[number]()
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is waited for
            errors[number] = error

    threads = [Thread(target=one, args=(number,), daemon=True) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [done[number] for number in range(len(works))]
