"""The proof: what really happens to requests of the rules' examples, with Istio's own parts as judges."""
