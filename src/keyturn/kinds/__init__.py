"""The kinds of resources, by the word that manifests use; each is one module and one schema."""

from collections.abc import Mapping

from keyturn.kinds import connection, credential
from keyturn.kinds.kind import ResourceKind, ServiceRecord

KINDS: Mapping[str, ResourceKind] = {module.KIND.name: module.KIND for module in (credential, connection)}
"""Credentials come first: connections refer to them."""

__all__ = ["KINDS", "ResourceKind", "ServiceRecord"]
