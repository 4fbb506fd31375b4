"""A run closes its connections."""

from msgspec.structs import replace


class Service:
    """Counts calls of close."""

    closed = 0

    def close(self):
        """Count."""
        self.closed += 1


def test_a_run_closes_its_service(run):
    """At the end of a `with` statement and by `close`."""
    service = Service()
    with replace(run, service=service) as same:
        assert same.service is service
        assert service.closed == 0
    assert service.closed == 1
    same.close()
    assert service.closed == 2
