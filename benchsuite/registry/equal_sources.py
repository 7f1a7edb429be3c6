"""Sources that give what an earlier version of them gave: their results keep their keys.

An entry is a promise by hand, for a change that can alter no result. Any further change of the source ends it, since
the new source has another digest. `tests/test_baselines.py` sees to it that the committed records keep their keys.
"""

from collections.abc import Mapping

EARLIER: Mapping[str, str] = {
    # the cache of decoded images notices damage, and changes of a file that keep its size and time
    "957d6d96f84641337a098721b94956f0532ce66dc6e99751e11dde4c062b2863": (  # images
        "ebbab2b676773a575ddf7854c455e07d56dd0d96363a905a35d43d33373574bf"
    ),
    "196f80cc0ba68d10554fd21e037156c0308f09b40f61867750c57dad8f2eca90": (  # torchvision_sets
        "4ca13b3ea2d09502cad499dc29098859fd266e747a09baf872ae73829960cc07"
    ),
}
"""The digest of a source, and that of the earlier one."""
