"""The connectors of the deployment and the systems that connections lead to."""
