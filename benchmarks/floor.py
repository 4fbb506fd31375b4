"""The floor, a lower bound: an interpreter that only composes the same YAML and fetches the same pages.

Arguments are files, folders and the base URL of a service, whose lists are read to their ends.
"""

import http.client
import os
import re
import sys

import yaml

_CURSOR = re.compile(rb'"cursor":"([^"]+)"[^"]*$')


def _compose_file(name: str) -> None:
    with open(name, "rb") as file:  # noqa: PTH123  # pathlib would add to the floor
        yaml.compose(file.read(), Loader=yaml.CSafeLoader)


def _fetch_lists(base_url: str) -> None:
    connection = http.client.HTTPConnection(base_url.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {os.environ['PLANASONIX_API_KEY']}"}
    paths = ["/api/organization", "/api/credentials?limit=500", "/api/connections?limit=500"]
    for path in paths:
        connection.request("GET", path, headers=headers)
        page = connection.getresponse().read()
        if cursor := _CURSOR.search(page[-200:]):
            paths.append(f"{path.partition('&')[0]}&cursor={cursor[1].decode()}")


for argument in sys.argv[1:]:
    if argument.startswith("http://"):
        _fetch_lists(argument)
    elif os.path.isdir(argument):  # noqa: PTH112
        for folder, _, files in os.walk(argument):
            for file in files:
                _compose_file(f"{folder}/{file}")
    else:
        _compose_file(argument)
