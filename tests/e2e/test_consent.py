"""Consent of OAuth credentials: a waiting step, never a failure."""


def write_oauth(setup, secret):
    """Write an OAuth credential and the connection that uses it."""
    config = {"client_id": "app", "token_url": "https://login.salesforce.com/t"}
    setup.repo.credential("prod-crm", {"client_secret": secret}, config, type="oauth")
    setup.repo.connection("prod-crm", "prod-crm", {"environment": "production"}, type="salesforce")


def test_a_missing_consent_is_no_failure(setup, canary):
    """The first apply and a rotation are done; the report says who must do what."""
    for _ in range(2):
        write_oauth(setup, canary())
        applied = setup.run("apply", "--auto-approve")
        assert applied.code == 0, applied.stdout + applied.stderr
        assert "failed" not in applied.stdout
        assert "rolled back" not in applied.stdout
    assert setup.run("plan", "--detailed-exitcode").code == 0


def test_the_report_names_the_step_that_waits(setup, canary):
    """The connection is done and waits for a person."""
    write_oauth(setup, canary())
    output = " ".join(setup.run("apply", "--auto-approve").stdout.split())
    assert "waits for consent: open the connection in Planasonix and click Authorize" in output
