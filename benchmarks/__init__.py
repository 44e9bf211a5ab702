"""Benchmarks against alternatives: `scripts/bench` runs them, docs/performance.md says what they found."""
