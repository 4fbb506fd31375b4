"""Plugins of all tests: guards, canaries, an age key, the real sops and the command line."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ("canary", "guards", "age_keys", "subprocess_runner")

_SHARED = [HealthCheck.function_scoped_fixture]  # a canary may serve all examples of a test
_QUIET = {"deadline": None, "database": None, "suppress_health_check": _SHARED}
settings.register_profile("default", derandomize=True, **_QUIET)
settings.register_profile("fuzz", max_examples=5_000, **_QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
