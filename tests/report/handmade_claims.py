"""Claims as `claims.toml` has them, of a made-up pruner with a level."""

HEAD = 'title = "A title"\nclaim = "A statement."\nsource = "Somebody 2020."\n'
WHERE = 'where = {pruner = "some-pruner"}'
MINIMUM = f"""
[[claims]]
kind = "minimum"
{HEAD}{WHERE}
metric = "audit.margin"
count = "audit.groups"
counted = "groups"
"""
TURNING = f"""
[[claims]]
kind = "turning-point"
{HEAD}{WHERE}
along = "level"
symbol = "λ"
at = 1.0
"""
