"""The connectors that the emulated deployment offers, with what it insists on for some."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Connector:
    """One type of connection; `required` holds only settings whose JSON names the vendor documents."""

    id: str
    name: str
    category: str
    description: str
    required: tuple[str, ...] = ()


def _family(category: str, description: str, *names: str) -> tuple[Connector, ...]:
    return tuple(
        Connector(name.lower().replace(" ", "_"), name, category, f"{name}: {description}") for name in names
    )


_CONNECTORS = (
    Connector("postgres", "PostgreSQL", "database", "PostgreSQL and compatible servers", ("host",)),
    Connector("snowflake", "Snowflake", "data_warehouse", "Snowflake accounts", ("account",)),
    Connector("s3", "Amazon S3", "cloud_storage", "Buckets of Amazon S3", ("bucket",)),
    *_family(
        "database",
        "relational and document databases",
        *("MySQL", "SQLServer", "Oracle", "MongoDB", "ClickHouse", "Cassandra", "Elasticsearch", "DuckDB"),
        *("MariaDB", "JDBC"),
    ),
    *_family(
        "data_warehouse",
        "warehouses and lakehouses",
        *("BigQuery", "Databricks", "Redshift", "Synapse", "Fabric", "OneLake", "Delta Lake", "Iceberg"),
        *("Managed Lakehouse",),
    ),
    *_family(
        "cloud_storage", "objects and files", "R2", "MinIO", "Wasabi", "Azure Blob", "GCS", "SFTP", "FTP"
    ),
    *_family("cloud_storage", "files shared by people", "Box", "OneDrive", "SharePoint"),
    *_family("streaming", "topics and streams", "Kafka", "Confluent Cloud", "Redpanda", "Upstash", "Kinesis"),
    *_family("streaming", "topics and namespaces", "Pulsar"),
    *_family("api", "calls over HTTP", "REST API", "GraphQL", "AI REST", "SAP OData", "SAP RFC", "Webhook"),
    *_family(
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
    *_family("ai", "models of a vendor", "OpenAI", "Azure OpenAI", "Anthropic", "Google", "Google AI"),
)

CONNECTORS: Mapping[str, Connector] = MappingProxyType({each.id: each for each in _CONNECTORS})
"""All connectors by the id that a connection names as its type."""


def known_type(kind: str) -> bool:
    """Tell whether the gallery has a connector of this id."""
    return kind in CONNECTORS


def missing_settings(kind: str, config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the settings that a connector insists on and that are absent or empty."""
    connector = CONNECTORS.get(kind)
    wanted = connector.required if connector else ()
    return tuple(name for name in wanted if config.get(name) in (None, ""))
