"""Rules about DestinationRules and their TLS settings."""
