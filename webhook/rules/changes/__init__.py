"""Rules about changes that break what works."""
