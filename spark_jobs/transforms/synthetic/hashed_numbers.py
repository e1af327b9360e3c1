"""Random numbers as SQL of 64-bit hashes: normal and uniform, the same wherever a row lies."""

from __future__ import annotations

# Box and Muller's two halves from one hash. Limits derived from the normal quantile need numbers this exact …
_NORMAL = (
    "sqrt(-2D * ln((shiftrightunsigned({h}, 32) + 0.5D) / 4294967296D))"
    " * cos(6.283185307179586D * ({h} & 4294967295L) / 4294967296D)"
)
# … while noise need not be: the sum of four 16-bit numbers is near normal, without logarithm and cosine.
_ROUGH_NORMAL = (
    "((({h} & 65535L) + (shiftright({h}, 16) & 65535L) + (shiftright({h}, 32) & 65535L)"
    " + shiftrightunsigned({h}, 48)) - 131070D) / 37836.9D"
)


def hashed_number(seed: int, purpose: str, *keys: str | int) -> str:
    """64 random bits of a row: the same for the same seed, purpose and keys (columns or numbers)."""
    return f"xxhash64(CAST({seed} AS BIGINT), '{purpose}', {', '.join(map(str, keys))})"


def normal(hashed: str) -> str:
    """A standard normal number of 64 random bits. ``hashed`` should be a column: it stands here twice."""
    return _NORMAL.format(h=hashed)


def rough_normal(hashed: str) -> str:
    """A nearly normal number of mean 0 and standard deviation 1, within 3.5 of 0."""
    return f"({_ROUGH_NORMAL.format(h=hashed)})"


def uniform(hashed: str) -> str:
    """A number above 0 and below 1."""
    return f"((shiftrightunsigned({hashed}, 11) + 0.5D) / 9007199254740992D)"


def hash_limit(probability: float) -> int:
    """The 64-bit number below which a hash falls with this probability."""
    return min(2**63 - 1, int(probability * 2**64) - 2**63)


def happens(hashed: str, probability: float) -> str:
    """True with this probability."""
    return f"({hashed} <= CAST('{hash_limit(probability)}' AS BIGINT))" if probability > 0 else "false"
