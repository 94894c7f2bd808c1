"""The real parts for tests, benchmarks and `make cluster`: built once, started here, driven as a cluster would."""
