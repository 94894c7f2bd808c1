"""Joins istio/ and material for a workload, a DestinationRule, or a rule and its audience: the pictures of rules."""
