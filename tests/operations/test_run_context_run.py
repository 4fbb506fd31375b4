"""What a run works with."""

from msgspec.structs import replace


class Service:
    """Counts how often it is closed."""

    closed = 0

    def close(self):
        """Be closed."""
        self.closed += 1


def test_a_run_closes_what_it_opened(run):
    """Once, at the end of its block, and when it is asked to."""
    service = Service()
    with replace(run, service=service) as same:
        assert same.service is service
        assert service.closed == 0
    assert service.closed == 1
    same.close()
    assert service.closed == 2
