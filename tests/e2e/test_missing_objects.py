"""An API key that lost its rights sees no object."""

CONFIG = {"engine": "postgresql", "host": "db.example.com", "port": 5432, "username": "svc"}


def test_a_key_without_rights_duplicates_nothing(setup, canary):
    """Neither list nor read shows an object, and names are not unique: plan and apply refuse."""
    names = [f"prod-{stem}" for stem in ("a", "b", "c", "d", "e")]
    setup.service.change_settings(unique_names=False)
    for name in names:
        setup.repo.credential(name, {"password": canary()}, {**CONFIG, "username": name})
    done = setup.repo.run_in_process("apply", "--auto-approve")
    assert done.code == 0, done.stdout + done.stderr
    setup.service.change_settings(hidden=names)
    for command in (("plan",), ("apply", "--auto-approve")):
        refused = setup.repo.run_in_process(*command)
        assert refused.code == 5
        assert "KT474" in refused.stdout + refused.stderr
    assert len(setup.service.read_state()["credentials"]) == len(names)
    one = setup.repo.run_in_process("plan", "--target", names[0], "--detailed-exitcode")
    assert one.code == 2, one.stdout + one.stderr
    setup.service.change_settings(hidden=[])
    assert setup.repo.run_in_process("plan", "--detailed-exitcode").code == 0
