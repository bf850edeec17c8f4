"""The 25-joint body in NTU order: a tree of bones whose lengths differ from performer to performer."""

from __future__ import annotations

from dataclasses import dataclass

# Parent of each joint; the root (base of the spine) is its own parent. Joint order: NTU RGB+D, Kinect v2.
PARENTS = (0, 0, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 1, 7, 6, 11, 10)
LEAVES = (3, 15, 19, 21, 22, 23, 24)


@dataclass(frozen=True)
class Body:
    """Bone lengths in metres.

    The default ratios to stature follow the segment table of Drillis and Contini (1966), adapted to where a Kinect puts
    its joints.
    """

    thigh: float
    shank: float
    foot: float
    ankle_height: float
    hip_half_width: float
    hip_drop: float
    lower_spine: float
    upper_spine: float
    neck: float
    head: float
    shoulder_half_width: float
    shoulder_drop: float
    upper_arm: float
    forearm: float
    hand: float
    hand_tip: float
    thumb: float

    @classmethod
    def of(cls, stature: float, legs: float = 1.0, arms: float = 1.0, shoulders: float = 1.0) -> Body:
        """A body of ``stature`` metres with relatively longer (> 1) or shorter legs, arms and wider shoulders."""
        spine = 0.288 * stature * (2.0 - legs)
        return cls(
            thigh=0.245 * stature * legs,
            shank=0.246 * stature * legs,
            foot=0.075 * stature,
            ankle_height=0.039 * stature,
            hip_half_width=0.050 * stature,
            hip_drop=0.020 * stature,
            lower_spine=0.5 * spine,
            upper_spine=0.5 * spine,
            neck=0.045 * stature,
            head=0.075 * stature,
            shoulder_half_width=0.105 * stature * shoulders,
            shoulder_drop=0.030 * stature,
            upper_arm=0.170 * stature * arms,
            forearm=0.146 * stature * arms,
            hand=0.045 * stature * arms,
            hand_tip=0.045 * stature * arms,
            thumb=0.030 * stature * arms,
        )

    @property
    def arm(self) -> float:
        """Shoulder to wrist."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """Hip to ankle."""
        return self.thigh + self.shank
