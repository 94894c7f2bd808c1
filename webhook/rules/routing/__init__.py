"""Rules about hosts, ports and subsets, and where calls go."""
