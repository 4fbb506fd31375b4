"""The floor: an interpreter that composes the same YAML and fetches the same pages, and nothing else.

Arguments are files and folders, and the address of a service whose lists are read to their ends.
"""

import http.client
import os
import re
import sys

import yaml

_CURSOR = re.compile(rb'"cursor":"([^"]+)"[^"]*$')


def _compose(name: str) -> None:
    with open(name, "rb") as file:  # noqa: PTH123  # pathlib would be part of the floor
        yaml.compose(file.read(), Loader=yaml.CSafeLoader)


def _fetch(address: str) -> None:
    connection = http.client.HTTPConnection(address.removeprefix("http://"))
    headers = {"Authorization": f"Bearer {os.environ['PLANASONIX_API_KEY']}"}
    waiting = ["/api/organization", "/api/credentials?limit=500", "/api/connections?limit=500"]
    for path in waiting:
        connection.request("GET", path, headers=headers)
        page = connection.getresponse().read()
        if following := _CURSOR.search(page[-200:]):
            waiting.append(f"{path.partition('&')[0]}&cursor={following[1].decode()}")


for each in sys.argv[1:]:
    if each.startswith("http://"):
        _fetch(each)
    elif os.path.isdir(each):  # noqa: PTH112
        for folder, _, files in os.walk(each):
            for file in files:
                _compose(f"{folder}/{file}")
    else:
        _compose(each)
