"""A saved plan: a file that was changed in any byte is refused."""

import json
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
OPTIONS = PlanOptions(
    targets=("prod-*",), approvals=Approvals(adopt=frozenset({"a"}), retire=3), reassert=frozenset({"b"})
)


@pytest.fixture
def made(setup, begin, canary):
    """Return the content of a plan file, its plan, and the key that signs it."""
    setup.repo.credential("prod-db", {"password": canary()})
    planned = plan_workspace(begin(), PlanOptions())
    data = encode_plan(planned, OPTIONS, NOW, "c0ffee")
    canary.record("saved plan", data)
    return data, planned.plan, planned.secret_loader.read_root_key()


def code(call, *arguments):
    """Return the code of the diagnostic that a call raises."""
    with pytest.raises(DiagnosticError) as caught:
        call(*arguments)
    return caught.value.diagnostics[0].code


def test_a_saved_plan_is_restored(made):
    """The plan, its options with the approvals, and the commit."""
    data, before, key = made
    saved = decode_plan(data, key, "plan.kt", NOW)
    assert saved.plan.approval_digest() == before.approval_digest()
    assert (saved.options, saved.commit) == (OPTIONS, "c0ffee")
    require_same_plan(saved.plan, before, "plan.kt")


def test_every_flipped_bit_is_refused(made):
    """Each bit of each byte is flipped on its own."""
    data, _, key = made
    file, accepted = bytearray(data), []
    for at in range(len(data)):
        for bit in range(8):
            file[at] ^= 1 << bit
            if opened_code(bytes(file), key) != "KT650":
                accepted.append((at, bit))
            file[at] ^= 1 << bit
    assert bytes(file) == data
    assert accepted == []
    assert opened_code(data, key) == ""


def test_a_missing_doubled_or_added_byte_is_refused(made):
    """Truncated at every length, each byte left out, each byte doubled, any byte before or after."""
    data, _, key = made
    wrong = {data[:at] for at in range(len(data))}
    wrong |= {data[:at] + data[at + 1 :] for at in range(len(data))}
    wrong |= {data[:at] + data[at : at + 1] + data[at:] for at in range(len(data))}
    wrong |= {file for more in range(256) for file in (bytes([more]) + data, data + bytes([more]))}
    assert data not in wrong
    assert {opened_code(file, key) for file in wrong} == {"KT650"}


def test_swapped_bytes_are_refused(made):
    """Each pair of neighbours is swapped; equal neighbours give the same file."""
    data, _, key = made
    swapped = {
        data[:at] + data[at + 1 : at + 2] + data[at : at + 1] + data[at + 2 :] for at in range(len(data))
    }
    assert {opened_code(file, key) for file in swapped - {data}} == {"KT650"}


def test_the_mac_of_another_plan_is_refused(made):
    """So is a file without its header line."""
    data, _, key = made
    other = saved_again(made)
    assert other != data
    body = data.partition(b"\n")[2]
    foreign = other.partition(b"\n")[0]
    for file in (foreign + b"\n" + body, body):
        assert opened_code(file, key) == "KT650"


@pytest.mark.parametrize("version", [b"2", b"4"])
def test_another_version_is_refused(made, version):
    """The message says that the version differs, the hint to plan again, even for a valid MAC."""
    data, _, key = made
    body = data.partition(b"\n")[2]
    file = b"keyturn-plan " + version + b" " + plan_file._compute_mac(key, body) + b"\n" + body
    with pytest.raises(DiagnosticError) as caught:
        decode_plan(file, key, "plan.kt", NOW)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "KT650"
    assert diagnostic.message == "this saved plan was made by another version of keyturn"
    assert "keyturn plan --out FILE" in diagnostic.hint


@pytest.mark.parametrize("body", [b"{}\n", b"[]\n", b"not JSON\n", b'{"plan":{}}\n'])
def test_a_body_that_is_no_plan_is_refused(made, body):
    """Even with a valid MAC."""
    _, _, key = made
    assert opened_code(plan_file._HEADER + plan_file._compute_mac(key, body) + b"\n" + body, key) == "KT650"


def test_the_body_is_canonical_json(made):
    """Sorted keys, no whitespace, ASCII only."""
    body = made[0].partition(b"\n")[2]
    tree = json.loads(body)
    assert body == json.dumps(tree, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def saved_again(made):
    """Return the file of the same plan, made a second later."""
    data, _, key = made
    body = data.partition(b"\n")[2].replace(b"12:00:00", b"12:00:01")
    return plan_file._HEADER + plan_file._compute_mac(key, body) + b"\n" + body


def opened_code(data, key):
    """Return the code with which a file is refused, or an empty string."""
    try:
        decode_plan(data, key, "plan.kt", NOW)
    except DiagnosticError as faulty:
        return faulty.diagnostics[0].code
    return ""


def test_the_key_of_another_repository_is_refused(made):
    """A plan is valid only for the repository whose key signed it."""
    data, _, _ = made
    assert opened_code(data, bytes(32)) == "KT650"


@pytest.mark.parametrize(("late", "expected"), [(-1, ""), (1, "KT651")])
def test_a_saved_plan_expires(made, late, expected):
    """Valid one second before the end of its lifetime, refused one second after."""
    data, _, key = made
    moment = NOW + PLAN_LIFETIME + timedelta(seconds=late)
    if expected:
        assert code(decode_plan, data, key, "plan.kt", moment) == expected
    else:
        assert decode_plan(data, key, "plan.kt", moment)


def test_differences_are_named(made, setup, begin, canary):
    """A secret that changed in git since the review."""
    data, _, key = made
    setup.repo.credential("prod-db", {"password": canary()})
    after = plan_workspace(begin(), PlanOptions()).plan
    with pytest.raises(DiagnosticError) as caught:
        require_same_plan(decode_plan(data, key, "plan.kt", NOW).plan, after, "plan.kt")
    (finding,) = caught.value.diagnostics
    assert finding.code == "KT652"
    assert "credential/prod-db: an encrypted secret" in finding.message


def test_saving_replaces_the_file(setup, begin, canary, tmp_path):
    """The file is readable by its owner alone, and no temporary file is left."""
    setup.repo.credential("prod-db", {"password": canary()})
    run, file = begin(), tmp_path / "plans/plan.kt"
    file.parent.mkdir()
    file.write_text("an older plan")
    planned = plan_workspace(run, PlanOptions())
    save_plan(run, planned, OPTIONS, file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    saved = open_plan(run.project, run.environment, file, run.clock.now())
    assert (saved.plan.approval_digest(), saved.options) == (planned.plan.approval_digest(), OPTIONS)
    file.write_bytes(file.read_bytes().replace(b"prod-db", b"prod-dc"))
    assert code(open_plan, run.project, run.environment, file, run.clock.now()) == "KT650"
