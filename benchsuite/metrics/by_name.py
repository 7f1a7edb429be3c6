"""Values whose fields can also be read by name, as notebooks do: `record.cost["epochs"]`."""

from collections.abc import Iterator, Mapping


class ByName(Mapping[str, object]):
    """A frozen dataclass that is a mapping over its known fields, those that are not None."""

    def __getitem__(self, name: str) -> object:
        value = vars(self).get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, value in vars(self).items() if value is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
