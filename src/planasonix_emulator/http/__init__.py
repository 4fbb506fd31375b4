"""Requests, responses, response formats, pagination, authentication and raw connections."""
