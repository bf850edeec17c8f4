"""The graph of NTU's 25 joints, as ST-GCN divides it."""

from __future__ import annotations

import torch
from torch import Tensor

JOINTS = 25
CENTRE = 20
"""Index of the joint between the shoulders."""

EDGES = (
    *((0, 1), (1, 20), (2, 20), (3, 2)),  # trunk and head
    *((4, 20), (5, 4), (6, 5), (7, 6), (21, 22), (22, 7)),  # left arm
    *((8, 20), (9, 8), (10, 9), (11, 10), (23, 24), (24, 11)),  # right arm
    *((12, 0), (13, 12), (14, 13), (15, 14)),  # left leg
    *((16, 0), (17, 16), (18, 17), (19, 18)),  # right leg
)
"""Undirected bones, 0-based (Yan et al., AAAI 2018, with NTU RGB+D's joint order)."""


def adjacency() -> Tensor:
    """A [3, V, V]: the normalised adjacency matrix, divided by what the neighbour v is to the joint w, A[k, v, w].

    k = 0: the joint itself; 2: a neighbour nearer to the centre; 1: any other neighbour. The columns of the sum over k
    sum to one. As in the public code, distances are told apart up to one hop only: all joints that do not touch the
    centre count as equally far.
    """
    itself = torch.eye(JOINTS)
    linked = itself.clone()
    for a, b in EDGES:
        linked[a, b] = linked[b, a] = 1
    normalised = linked / linked.sum(0)
    neighbours = normalised * (1 - itself)
    hops = 2 - linked[CENTRE] - itself[CENTRE]
    nearer = (hops[:, None] < hops[None, :]).float()
    return torch.stack([normalised * itself, neighbours * (1 - nearer), neighbours * nearer])
