"""The side channel under /_emulator/: what tests set and ask; it has its own token, and shows no secret."""

import hmac
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from planasonix_emulator import faults, people, platform
from planasonix_emulator.access import SCOPES
from planasonix_emulator.messages import Problem, Reply
from planasonix_emulator.records import CONNECTIONS, CREDENTIALS, Record
from planasonix_emulator.settings import SettingsError, as_tree, changed
from planasonix_emulator.targets import read_targets
from planasonix_emulator.witness import digests
from planasonix_emulator.world import World

HEADER = "x-emulator-token"

_DOCUMENTS = {"pipelines": platform.PIPELINES, "schedules": platform.SCHEDULES, "syncs": platform.SYNCS}


class Control:
    """Answer the requests of the side channel; without a token there is none."""

    def __init__(self, world: World, token: str) -> None:
        self._world = world
        self._token = token
        self._first = world.settings
        self._deeds: Mapping[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "settings"): self._tell_settings,
            ("PATCH", "settings"): self._change_settings,
            ("GET", "faults"): lambda _: world.faults.listed(),
            ("PUT", "faults"): self._replace_faults,
            ("POST", "faults"): self._add_faults,
            ("PUT", "targets"): self._replace_targets,
            ("POST", "seed"): self._seed,
            ("POST", "act"): self._act,
            ("POST", "keys"): self._keys,
            ("POST", "clock"): self._clock,
            ("POST", "requests"): lambda tree: world.witness.requests(int(tree.get("since", 0))),
            ("POST", "secrets"): lambda tree: world.witness.received(str(tree.get("salt", ""))),
            ("POST", "pairs"): lambda tree: world.witness.pairs(str(tree.get("salt", ""))),
            ("POST", "holds"): self._holds,
            ("GET", "state"): self._state,
            ("POST", "reset"): self._reset,
        }

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request: 404 without the token, 400 with the reason for what cannot be done."""
        given = headers.get(HEADER, "").encode()
        deed = self._deeds.get((method, path.removeprefix("/_emulator/")))
        if not self._token or not hmac.compare_digest(given, self._token.encode()) or deed is None:
            return Reply(HTTPStatus.NOT_FOUND, {"error": "not found"})
        try:
            return Reply(HTTPStatus.OK, deed(json.loads(body) if body else {}))
        except Problem as problem:
            return Reply(problem.status, {"error": problem.message})
        except SettingsError as error:
            return Reply(HTTPStatus.BAD_REQUEST, {"error": str(error)})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            return Reply(HTTPStatus.BAD_REQUEST, {"error": f"not understood: {type(error).__name__}"})

    def _tell_settings(self, tree: Any) -> dict[str, Any]:
        del tree
        return as_tree(self._world.settings)

    def _change_settings(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        self._world.settings = changed(self._world.settings, tree)
        return as_tree(self._world.settings)

    def _replace_faults(self, trees: Any) -> list[dict[str, Any]]:
        self._world.faults.replace(faults.read_faults(trees))
        return self._world.faults.listed()

    def _add_faults(self, trees: Any) -> list[dict[str, Any]]:
        self._world.faults.add(faults.read_faults(trees))
        return self._world.faults.listed()

    def _replace_targets(self, trees: Any) -> dict[str, Any]:
        table = read_targets(trees)
        self._world.targets.replace(table)
        return {"targets": len(table)}

    def _seed(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        organization = tree.get("organization") or self._organization()
        made = {
            collection: people.make(self._world, organization, tree.get(collection, []), collection)
            for collection in (CREDENTIALS, CONNECTIONS)
        }
        for name, collection in _DOCUMENTS.items():
            self._world.store.keep_documents(collection, organization, tree.get(name, []))
        return made

    def _act(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        return self._shown(people.act(self._world, tree))

    def _keys(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        access = self._world.access
        if tree.get("revoked"):
            access.revoke(tree["key"])
        else:
            scopes = tuple(tree.get("scopes", SCOPES))
            access.admit(tree["key"], tree.get("organization") or self._organization(), scopes)
        return {"keys": len(access.keys)}

    def _clock(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        clock = self._world.clock
        if tree.get("run"):
            clock.run()
        if "hold" in tree:
            at = tree["hold"]
            clock.hold(at if isinstance(at, (int, float)) and not isinstance(at, bool) else None)
        clock.advance(float(tree.get("advance", 0)))
        return {"now": clock.now() / 1_000_000, "held": clock.held}

    def _holds(self, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
        salt = str(tree.get("salt", ""))
        return [
            {**self._shown(record), "secrets": digests(salt, self._world.secrets(record))}
            for record in self._world.store.everything()
        ]

    def _state(self, tree: Any) -> dict[str, Any]:
        del tree
        records = self._world.store.everything()
        shown = {
            collection: [self._shown(record) for record in records if record.collection == collection]
            for collection in (CREDENTIALS, CONNECTIONS)
        }
        organizations = sorted({key.organization for key in self._world.access.keys.values()})
        documents = {
            name: [each for org in organizations for each in self._world.store.documents(collection, org)]
            for name, collection in _DOCUMENTS.items()
        }
        return {"organizations": organizations, **shown, **documents}

    def _reset(self, tree: Mapping[str, Any]) -> dict[str, Any]:
        self._world.forget()
        self._world.clock.run()
        if tree.get("settings"):
            self._world.settings = changed(self._first, {})
        return {}

    def _shown(self, record: Record) -> dict[str, Any]:
        names = ("id", "collection", "organization", "name", "type", "status", "category")
        return {
            **{name: getattr(record, name) for name in names},
            "credentialId": record.credential_id,
            "config": record.plain(),
            "createdAt": self._world.stamp(record.created_at),
            "updatedAt": self._world.stamp(record.updated_at),
            "deletedAt": self._world.stamp(record.deleted_at),
        }

    def _organization(self) -> str:
        return next(iter(self._world.access.keys.values())).organization
