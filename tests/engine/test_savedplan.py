"""A saved plan: every byte counts."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.core.diagnostic import Faulty
from keyturn.core.inputs import Consents
from keyturn.engine.planning import Wish, plan
from keyturn.engine.savedplan import LIFETIME, agree, opened, saved

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WISH = Wish(
    targets=("prod-*",), consents=Consents(adopt=frozenset({"a"}), retire=3), reassert=frozenset({"b"})
)


@pytest.fixture
def made(office, begin, canary):
    """Return a file, the plan in it, and the key that signs it."""
    office.repo.credential("prod-db", {"password": canary()})
    planned = plan(begin(), Wish())
    data = saved(planned, WISH, NOW, "c0ffee")
    canary.also("saved plan", data)
    return data, planned.plan, planned.opener.root_key()


def code(call, *arguments):
    """Return the code of the finding that a call raises."""
    with pytest.raises(Faulty) as caught:
        call(*arguments)
    return caught.value.findings[0].code


def test_it_comes_back(made):
    """The plan, the wish with its consents, the commit."""
    data, before, key = made
    kept = opened(data, key, "plan.kt", NOW)
    assert kept.plan.digest() == before.digest()
    assert (kept.wish, kept.commit) == (WISH, "c0ffee")
    agree(kept.plan, before, "plan.kt")


def test_every_byte_counts(made):
    """Any one flipped, added or missing: refused."""
    data, _, key = made
    flipped = bytearray(data)
    wrong = set()
    for at in range(len(data)):
        for bit in (1, 128):
            flipped[at] ^= bit
            wrong.add(opened_code(bytes(flipped), key))
            flipped[at] ^= bit
    wrong |= {opened_code(data[:at], key) for at in range(0, len(data), 7)}
    wrong |= {opened_code(data + b"\n", key), opened_code(b"", key), opened_code(b"\n" + data, key)}
    assert wrong == {"KT650"}


def opened_code(data, key):
    """Return the code with which a file is refused, or nothing."""
    try:
        opened(data, key, "plan.kt", NOW)
    except Faulty as faulty:
        return faulty.findings[0].code
    return ""


def test_another_repository(made):
    """Whoever cannot decrypt the repository makes no plan for it."""
    data, _, _ = made
    assert opened_code(data, bytes(32)) == "KT650"


@pytest.mark.parametrize(("late", "expected"), [(-1, ""), (1, "KT651")])
def test_it_expires(made, late, expected):
    """Good until its time is over, and not a second longer."""
    data, _, key = made
    moment = NOW + LIFETIME + timedelta(seconds=late)
    if expected:
        assert code(opened, data, key, "plan.kt", moment) == expected
    else:
        assert opened(data, key, "plan.kt", moment)


def test_things_that_moved_are_named(made, office, begin, canary):
    """Another secret in git: not what was reviewed."""
    data, _, key = made
    office.repo.credential("prod-db", {"password": canary()})
    after = plan(begin(), Wish()).plan
    with pytest.raises(Faulty) as caught:
        agree(opened(data, key, "plan.kt", NOW).plan, after, "plan.kt")
    (finding,) = caught.value.findings
    assert finding.code == "KT652"
    assert "credential/prod-db: an encrypted secret" in finding.message
