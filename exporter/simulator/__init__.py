"""A simulated AWS Backup account for the demo and the tests: moto's vaults and plans, jobs on a clock."""
