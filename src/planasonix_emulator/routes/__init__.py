"""The endpoints of the API, one module per part of it."""
