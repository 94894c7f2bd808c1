"""What the replica that leads does: webhook configurations, CA bundles and the serving certificate."""
