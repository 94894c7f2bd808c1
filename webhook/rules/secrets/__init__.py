"""Rules about Secrets, ConfigMaps and their data keys."""
