"""Access to the API server: credentials, client, transport. The only importer of the kubernetes package."""
