"""The connectors of the emulated deployment and the settings that some of them require."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Connector:
    """One type of connection; `required` lists only settings whose JSON names the vendor documents."""

    id: str
    name: str
    category: str
    description: str
    required: tuple[str, ...] = ()


def _make_connectors(category: str, description: str, *names: str) -> tuple[Connector, ...]:
    return tuple(
        Connector(name.lower().replace(" ", "_"), name, category, f"{name}: {description}") for name in names
    )


_CONNECTORS = (
    Connector("postgres", "PostgreSQL", "database", "PostgreSQL and compatible servers", ("host",)),
    Connector("snowflake", "Snowflake", "data_warehouse", "Snowflake accounts", ("account",)),
    Connector("s3", "Amazon S3", "cloud_storage", "Buckets of Amazon S3", ("bucket",)),
    *_make_connectors(
        "database",
        "relational and document databases",
        *("MySQL", "SQLServer", "Oracle", "MongoDB", "ClickHouse", "Cassandra", "Elasticsearch", "DuckDB"),
        *("MariaDB", "JDBC"),
    ),
    *_make_connectors(
        "data_warehouse",
        "warehouses and lakehouses",
        *("BigQuery", "Databricks", "Redshift", "Synapse", "Fabric", "OneLake", "Delta Lake", "Iceberg"),
        *("Managed Lakehouse",),
    ),
    *_make_connectors(
        "cloud_storage", "objects and files", "R2", "MinIO", "Wasabi", "Azure Blob", "GCS", "SFTP", "FTP"
    ),
    *_make_connectors("cloud_storage", "files shared by people", "Box", "OneDrive", "SharePoint"),
    *_make_connectors(
        "streaming", "topics and streams", "Kafka", "Confluent Cloud", "Redpanda", "Upstash", "Kinesis"
    ),
    *_make_connectors("streaming", "topics and namespaces", "Pulsar"),
    *_make_connectors(
        "api", "calls over HTTP", "REST API", "GraphQL", "AI REST", "SAP OData", "SAP RFC", "Webhook"
    ),
    *_make_connectors(
        "saas",
        "objects of an account",
        *(
            "Salesforce",
            "HubSpot",
            "NetSuite",
            "Shopify",
            "Stripe",
            "Meta",
            "Google Ads",
            "LinkedIn",
            "TikTok",
        ),
        *("Mailchimp", "Klaviyo", "Workday", "BambooHR", "Mixpanel", "Amplitude", "Segment", "Google Sheets"),
        *("Slack", "Zendesk", "Jira"),
    ),
    *_make_connectors(
        "ai", "models of a vendor", "OpenAI", "Azure OpenAI", "Anthropic", "Google", "Google AI"
    ),
)

CONNECTORS: Mapping[str, Connector] = MappingProxyType({each.id: each for each in _CONNECTORS})
"""All connectors by id, which is the type of a connection."""


def is_known_type(kind: str) -> bool:
    """Return whether a connector has this id."""
    return kind in CONNECTORS


def find_missing_settings(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the required settings of a connector that are missing or empty."""
    connector = CONNECTORS.get(kind)
    required = connector.required if connector else ()
    return tuple(name for name in required if config.get(name) in (None, ""))
