"""Kinds of resources by name; each kind has one module and one schema."""

from collections.abc import Mapping

from keyturn.kinds import connection, credential
from keyturn.kinds.kind import ResourceKind, ServiceRecord

KINDS: Mapping[str, ResourceKind] = {module.KIND.name: module.KIND for module in (credential, connection)}
"""Credentials come first, because connections refer to them."""

__all__ = ["KINDS", "ResourceKind", "ServiceRecord"]
