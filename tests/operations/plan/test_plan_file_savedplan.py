"""A saved plan: every byte counts."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.model.diagnostic import DiagnosticError
from keyturn.operations.plan import plan_file
from keyturn.operations.plan.plan import PlanOptions, plan_workspace
from keyturn.operations.plan.plan_file import (
    PLAN_LIFETIME,
    decode_plan,
    encode_plan,
    open_plan,
    require_same_plan,
    save_plan,
)
from keyturn.planning.inputs import Approvals

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WISH = PlanOptions(
    targets=("prod-*",), approvals=Approvals(adopt=frozenset({"a"}), retire=3), reassert=frozenset({"b"})
)


@pytest.fixture
def made(office, begin, canary):
    """Return a file, the plan in it, and the key that signs it."""
    office.repo.credential("prod-db", {"password": canary()})
    planned = plan_workspace(begin(), PlanOptions())
    data = encode_plan(planned, WISH, NOW, "c0ffee")
    canary.also("saved plan", data)
    return data, planned.plan, planned.secret_loader.read_root_key()


def code(call, *arguments):
    """Return the code of the finding that a call raises."""
    with pytest.raises(DiagnosticError) as caught:
        call(*arguments)
    return caught.value.diagnostics[0].code


def test_it_comes_back(made):
    """The plan, the wish with its consents, the commit."""
    data, before, key = made
    kept = decode_plan(data, key, "plan.kt", NOW)
    assert kept.plan.approval_digest() == before.approval_digest()
    assert (kept.options, kept.commit) == (WISH, "c0ffee")
    require_same_plan(kept.plan, before, "plan.kt")


def test_every_bit_counts(made):
    """Each bit of each byte, flipped on its own: refused, every single time."""
    data, _, key = made
    file, taken = bytearray(data), []
    for at in range(len(data)):
        for bit in range(8):
            file[at] ^= 1 << bit
            if opened_code(bytes(file), key) != "KT650":
                taken.append((at, bit))
            file[at] ^= 1 << bit
    assert bytes(file) == data
    assert taken == []
    assert opened_code(data, key) == ""


def test_no_byte_may_be_missing_doubled_or_added(made):
    """Cut at every length, each byte left out, each byte twice, any byte before or behind: refused."""
    data, _, key = made
    wrong = {data[:at] for at in range(len(data))}
    wrong |= {data[:at] + data[at + 1 :] for at in range(len(data))}
    wrong |= {data[:at] + data[at : at + 1] + data[at:] for at in range(len(data))}
    wrong |= {file for more in range(256) for file in (bytes([more]) + data, data + bytes([more]))}
    assert data not in wrong
    assert {opened_code(file, key) for file in wrong} == {"KT650"}


def test_neighbours_may_not_change_places(made):
    """The bytes are the same, their order is not: refused, but where both are one."""
    data, _, key = made
    swapped = {
        data[:at] + data[at + 1 : at + 2] + data[at : at + 1] + data[at + 2 :] for at in range(len(data))
    }
    assert {opened_code(file, key) for file in swapped - {data}} == {"KT650"}


def test_a_mac_of_something_else_is_refused(made):
    """Another plan's line over this body, and the word for another version."""
    data, _, key = made
    other = saved_again(made)
    assert other != data
    head, body = data.partition(b"\n")[0], data.partition(b"\n")[2]
    foreign = other.partition(b"\n")[0]
    for file in (foreign + b"\n" + body, head.replace(b" 1 ", b" 2 ") + b"\n" + body, body):
        assert opened_code(file, key) == "KT650"


def saved_again(made):
    """Return the same plan in a file that was made a second later."""
    data, _, key = made
    body = data.partition(b"\n")[2].replace(b"12:00:00", b"12:00:01")
    return plan_file._HEADER + plan_file._compute_mac(key, body) + b"\n" + body


def opened_code(data, key):
    """Return the code with which a file is refused, or nothing."""
    try:
        decode_plan(data, key, "plan.kt", NOW)
    except DiagnosticError as faulty:
        return faulty.diagnostics[0].code
    return ""


def test_another_repository(made):
    """Whoever cannot decrypt the repository makes no plan for it."""
    data, _, _ = made
    assert opened_code(data, bytes(32)) == "KT650"


@pytest.mark.parametrize(("late", "expected"), [(-1, ""), (1, "KT651")])
def test_it_expires(made, late, expected):
    """Good until its time is over, and not a second longer."""
    data, _, key = made
    moment = NOW + PLAN_LIFETIME + timedelta(seconds=late)
    if expected:
        assert code(decode_plan, data, key, "plan.kt", moment) == expected
    else:
        assert decode_plan(data, key, "plan.kt", moment)


def test_things_that_moved_are_named(made, office, begin, canary):
    """Another secret in git: not what was reviewed."""
    data, _, key = made
    office.repo.credential("prod-db", {"password": canary()})
    after = plan_workspace(begin(), PlanOptions()).plan
    with pytest.raises(DiagnosticError) as caught:
        require_same_plan(decode_plan(data, key, "plan.kt", NOW).plan, after, "plan.kt")
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT652"
    assert "credential/prod-db: an encrypted secret" in finding.message


def test_a_plan_on_the_disk(office, begin, canary, tmp_path):
    """Written whole, for its owner alone, over an older one; and nothing is left beside it."""
    office.repo.credential("prod-db", {"password": canary()})
    run, file = begin(), tmp_path / "plans/plan.kt"
    file.parent.mkdir()
    file.write_text("an older one")
    planned = plan_workspace(run, PlanOptions())
    save_plan(run, planned, WISH, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    kept = open_plan(run.project, run.environment, file, run.clock.now())
    assert (kept.plan.approval_digest(), kept.options) == (planned.plan.approval_digest(), WISH)
    file.write_bytes(file.read_bytes().replace(b"prod-db", b"prod-dc"))
    assert code(open_plan, run.project, run.environment, file, run.clock.now()) == "KT650"
