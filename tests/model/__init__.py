"""The reference model of the topology rules, its generator and its reader."""
