"""Views: plans, reports and diagnostics in every output format."""
