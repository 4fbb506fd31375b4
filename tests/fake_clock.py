"""A clock that advances only in sleeps."""

from dataclasses import dataclass, field

from keyturn.client.messages import ClientClock


@dataclass
class FakeClock:
    """Monotonic and wall time that advance only in sleeps; ``naps`` has their lengths."""

    time: float = 1000.0
    wall: float = 1_800_000_000.0
    chance: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.naps.append(seconds)
        self.time += seconds
        self.wall += seconds

    def client_clock(self) -> ClientClock:
        """Return the clock of a client."""
        return ClientClock(
            monotonic=lambda: self.time,
            now=lambda: self.wall,
            sleep=self.sleep,
            random_fraction=lambda: self.chance,
        )
