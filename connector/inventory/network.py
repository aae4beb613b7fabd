"""The nodes of a site and who supplies whom."""

from __future__ import annotations

from dataclasses import dataclass

from connector.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Node:
    """One stocking location (an ERP plant)."""

    name: str
    label: str = ""
    supplied_by: str = ""  # another node, "" = suppliers outside


@dataclass(frozen=True)
class Network:
    """A forest of nodes: each has at most one upstream node."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        """Refuse duplicate nodes, unknown suppliers and loops."""
        names = [node.name for node in self.nodes]
        if len(set(names)) != len(names):
            msg = f"network.nodes: a node is named twice in {names}"
            raise ConfigError(msg, hint="give each node one entry")
        for node in self.nodes:
            if node.supplied_by and node.supplied_by not in names:
                msg = f"network.nodes: {node.name} is supplied by unknown node {node.supplied_by}"
                raise ConfigError(msg, hint=f"one of {', '.join(names)}")
            self.upstream(node.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the node names in configured order."""
        return tuple(node.name for node in self.nodes)

    def supplier(self, name: str) -> str:
        """Return the node that supplies `name`, or "" for suppliers outside."""
        return next(node.supplied_by for node in self.nodes if node.name == name)

    def upstream(self, name: str) -> tuple[str, ...]:
        """Return the chain of suppliers of `name`, nearest first."""
        chain: list[str] = []
        while supplier := self.supplier(chain[-1] if chain else name):
            if supplier in chain or supplier == name:
                msg = f"network.nodes: {name} supplies itself through {' -> '.join(chain)}"
                raise ConfigError(msg, hint="break the loop")
            chain.append(supplier)
        return tuple(chain)

    def downstream(self, name: str) -> tuple[str, ...]:
        """Return every node below `name`: with `name` itself, its echelon."""
        return tuple(node.name for node in self.nodes if name in self.upstream(node.name))

    def level(self, name: str) -> int:
        """Return the echelon level: 0 for a node that supplies nobody."""
        children = [node.name for node in self.nodes if node.supplied_by == name]
        return 1 + max(map(self.level, children)) if children else 0
