"""`gendr pose`: from which cameras a mesh looks like given masks."""
