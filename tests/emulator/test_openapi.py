"""The OpenAPI document, compared with the responses of the emulator."""

import json
import os
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from planasonix_emulator.openapi import DOCUMENT_PATHS, build_document
from planasonix_emulator.routes.table import API_ROUTES
from planasonix_emulator.server import Emulator

SCHEMAS = build_document()["components"]["schemas"]
SCHEMA = schemathesis.openapi.from_dict(build_document())
BEYOND_SCHEMAS = [
    positive_data_acceptance,  # no schema knows which ids exist, and of which type an object is
    negative_data_rejection,  # unknown fields are passed over, as such services do
]
FUZZ = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
SCHEMA.config.phases.coverage.enabled = FUZZ


@pytest.fixture(scope="module")
def served():
    """An emulator with an object of each kind, at ids that a generator tries first."""
    with Emulator.start() as emulator:
        emulator.seed_objects(
            credentials=[
                {"id": "0", "name": "c", "type": "database", "config": {"host": "h", "password": "p"}}
            ],
            connections=[{"id": "1", "name": "c", "type": "postgres", "config": {"host": "h"}}],
            pipelines=[{"id": "0", "name": "p", "status": "draft"}],
            schedules=[{"id": "2", "pipeline_id": "0"}],
            syncs=[{"id": "3", "destination_id": "1"}],
        )
        yield emulator


def test_the_document_is_valid_and_whole():
    """The document is valid OpenAPI and has every route, and no other."""
    validate(build_document())
    told = {(method.upper(), path) for path, each in build_document()["paths"].items() for method in each}
    assert told == {(route.method, route.path) for route in API_ROUTES}
    assert all(each["summary"] for path in build_document()["paths"].values() for each in path.values())


@pytest.mark.parametrize("path", [*DOCUMENT_PATHS, "/v1/api/openapi.json"])
def test_it_needs_no_key(api, path):
    """The document is served without a key, in each format."""
    del api.client.headers["Authorization"]
    assert api.get(path).json() == build_document()


@SCHEMA.parametrize()
@settings(
    max_examples=200 if FUZZ else 10,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_responses_match_the_document(case, served):
    """Each response to generated requests, valid or not, matches the document."""
    headers = {"Authorization": f"Bearer {served.key}"}
    case.call_and_validate(base_url=served.base_url, headers=headers, excluded_checks=BEYOND_SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema(name):
    """Each schema is valid JSON Schema, and requires only properties that it describes."""
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert set(SCHEMAS[name]["required"]) <= set(SCHEMAS[name]["properties"])


def test_each_reference_names_a_schema():
    """Each operation refers to schemas of the document."""
    references = re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(build_document()))
    assert set(references) == set(SCHEMAS)
