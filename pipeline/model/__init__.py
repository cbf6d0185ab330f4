"""Words of the domain. Imports nothing of the package but itself."""
