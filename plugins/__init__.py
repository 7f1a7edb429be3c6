"""First-party plugins: each module comes in through an entry point, as third-party ones do."""
