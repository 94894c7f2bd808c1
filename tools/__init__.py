"""Writes what is generated: documents, and parts of the chart."""
