"""Opened secrets as keys: what can be read, what belongs together, what opens with which passphrase."""

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from keyturn.core.fields import Path
from keyturn.policy.keys import Trouble, belongs, certificates, open_pfx, open_private
from keyturn.policy.opened_text import Values, found, service_account_key
from keyturn.policy.rule import Found
from keyturn.policy.subject import Subject
from keyturn.policy.words import fold, say
