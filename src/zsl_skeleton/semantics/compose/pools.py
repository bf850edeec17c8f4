"""For every slot, all sentences that the facts of a class give, the plainest ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product

from zsl_skeleton.semantics.compose.sentences import Candidate, Fact, Voice, candidate, readable
from zsl_skeleton.semantics.compose.two_people import both_named, meanwhile
from zsl_skeleton.semantics.facts import LEVELS, PARTS, PHASES, Level, PartName, Phase


def pool(voice: Voice, slot: str) -> list[Candidate]:
    """The candidates for a slot in order of preference.

    Raises:
        KeyError: facts say nothing about such a slot.
    """
    items = _POOLS[slot](voice)
    if slot.partition(".")[0] in _PLAIN:
        return list(items)
    if voice.facts.second is not None:
        items = both_named(voice, _MEANWHILE.get(slot, ("main",)), items)
    return [item for item in items if readable(item)]


def _action(voice: Voice) -> Iterator[Candidate]:
    yield candidate("{a}", a=Fact("action", voice.facts.action))


def _motion(voice: Voice) -> Iterator[Candidate]:
    pattern = "{p}, " + voice.subject + " {m}. The movement is made "
    items = []
    for m in voice.motions:
        if m.counted:
            items.append(candidate(pattern + "{t}", p=voice.posture, m=m, t=voice.tempo))
        else:
            items.append(candidate(pattern + "{r}, {t}", p=voice.posture, m=m, r=voice.repetition, t=voice.tempo))
    for item, s in product(items, voice.second("main")):
        yield meanwhile(item, s)
    yield from items


def _body_part(part: PartName) -> Callable[[Voice], Iterator[Candidate]]:
    def clauses(voice: Voice) -> Iterator[Candidate]:
        items = (candidate("{c}", c=voice.owned(voice.part(part, level))) for level in reversed(LEVELS))
        if voice.facts.second is None:
            yield from items
        else:
            yield from both_named(voice, ("main",), items, turn=PARTS.index(part))

    return clauses


def _courses(voice: Voice, phrases: Sequence[Fact]) -> Iterator[Candidate]:
    """Verb phrases about a movement, alone and with posture, tempo and number."""
    who = voice.subject
    for m in phrases:
        yield candidate(who + " {m}", m=m)
        if not voice.posture.repeats(m):
            yield candidate("{p}, " + who + " {m}", p=voice.posture, m=m)
        if not voice.tempo.repeats(m):
            yield candidate("{t}, " + who + " {m}", t=voice.tempo, m=m)
            if not m.counted:
                yield candidate("{r}, " + who + " {m}", r=voice.rhythm, m=m)
        if not (m.compound or m.counted):
            yield candidate(who + " {m} {r}", m=m, r=voice.repetition)


def _with_parts(voice: Voice, phrases: Sequence[Fact], parts: Sequence[PartName]) -> Iterator[Candidate]:
    """Verb phrases with what another part does meanwhile."""
    who = voice.subject
    for m, part, level in product(phrases, parts, LEVELS):
        if m.names(part):
            continue
        # A resting part is worth a few words only.
        spare = LEVELS.index(level) if part in voice.resting else 0
        c = voice.part(part, level)
        if not m.compound:
            yield candidate(who + " {m} while {c}", m=m, c=voice.owned(c, after=m), spare=spare)
        if not c.compound:
            yield candidate("as {c}, " + who + " {m}", c=c, m=m, spare=spare)


def _clauses(voice: Voice, clauses: Sequence[Fact]) -> Iterator[Candidate]:
    """Clauses about parts, alone and with tempo and number."""
    for c in map(voice.owned, clauses):
        yield candidate("{c}", c=c)
        if voice.paces(c) and not voice.tempo.repeats(c):
            yield candidate("{t}, {c}", t=voice.tempo, c=c)
            if not c.counted:
                yield candidate("{r}, {c}", r=voice.rhythm, c=c)


def _pairs(voice: Voice, firsts: Sequence[Fact], seconds: Sequence[Fact], spare: int = 0) -> Iterator[Candidate]:
    """Two clauses about two different parts."""
    for c, d in product(firsts, seconds):
        if c.place.partition(".")[0] == d.place.partition(".")[0]:
            continue
        first, then = voice.owned(c), voice.owned(d, after=c)
        if not c.compound:
            yield candidate("{c} while {d}", c=first, d=then, spare=spare)
        if not d.compound:
            yield candidate("{c}, and {d}", c=first, d=then, spare=spare)
            yield candidate("while {d}, {c}", d=voice.owned(d), c=voice.owned(c, after=d), spare=spare)


def _elaborated(voice: Voice, clauses: Sequence[Fact], others: Sequence[Fact]) -> Iterator[Candidate]:
    """Clauses about a moving part with posture, tempo or number, and with others; for classes in which little moves."""
    for c in clauses:
        first = voice.owned(c)
        if voice.posture.participle and not voice.posture.repeats(c):
            with_posture = f"with {voice.subject} {{p}}, {{c}}"
            yield candidate(with_posture, p=voice.posture, c=voice.owned(c, after=voice.posture), spare=1)
        numbered = voice.numbers(c) and not c.compound
        if numbered:
            yield candidate("{c} {r}", c=first, r=voice.repetition, spare=1)
        for d in others:
            then = voice.owned(d, after=c)
            if numbered:
                yield candidate("{c} {r} while {d}", c=first, r=voice.repetition, d=then, spare=1)
            if voice.paces(c) and not (voice.tempo.repeats(c) or c.compound):
                yield candidate("{t}, {c} while {d}", t=voice.tempo, c=first, d=then, spare=1)
        for d, e in combinations([other for other in others if not other.compound], 2):
            pattern = "{c}, and {d} while {e}" if c.compound else "{c} while {d} and {e}"
            yield candidate(pattern, c=first, d=voice.owned(d, after=c), e=voice.owned(e, after=c), spare=1)


def _sequences(voice: Voice) -> Iterator[Candidate]:
    """Phases one after the other."""
    who = voice.subject
    starts, mains, ends = ([fact for fact in voice.phase(phase) if not fact.ordered] for phase in PHASES)
    for s, n, e in product(starts, mains, ends):
        yield candidate(who + " {s}, then {n}, and finally {e}", s=s, n=n, e=e)
    for s, n in product(starts, mains):
        if not s.compound:
            yield candidate(who + " {s} and then {n}", s=s, n=n)
    for n, e in product(mains, ends):
        if not n.compound:
            yield candidate(who + " {n} and finally {e}", n=n, e=e)


def _codebook(voice: Voice) -> Iterator[Candidate]:
    main = voice.phase("main")
    moving = list(voice.clauses(voice.moving))
    yield from _courses(voice, voice.motions)
    yield from _courses(voice, main)
    yield from _clauses(voice, moving)
    yield from _sequences(voice)
    yield from _with_parts(voice, voice.motions, PARTS)
    yield from _with_parts(voice, main, PARTS)
    yield from _pairs(voice, moving, moving)
    yield from _pairs(voice, moving, list(voice.clauses(voice.resting, ("coarse",))))


def _spatial(level: Level) -> Callable[[Voice], Iterator[Candidate]]:
    rougher = LEVELS[: max(1, LEVELS.index(level))]

    def sentences(voice: Voice) -> Iterator[Candidate]:
        moving, resting = (list(voice.clauses(parts, (level,))) for parts in (voice.moving, voice.resting))
        yield from _clauses(voice, moving)
        yield from _pairs(voice, moving, moving)
        yield from _pairs(voice, moving, list(voice.clauses(voice.moving, rougher)))
        yield from _pairs(voice, moving, list(voice.clauses(voice.resting, rougher)))
        # Much about a resting part and little about a moving one tells classes apart badly.
        yield from _pairs(voice, resting, list(voice.clauses(voice.moving, rougher)), spare=1)
        yield from _elaborated(voice, moving, list(voice.clauses(voice.resting, ("coarse",))))

    return sentences


def _phase(phase: Phase) -> Callable[[Voice], Iterator[Candidate]]:
    openings = {"start": ("at first", "to begin"), "main": (), "end": ("at the end", "to finish")}[phase]

    def sentences(voice: Voice) -> Iterator[Candidate]:
        phrases = voice.phase(phase)
        yield from (candidate(voice.subject + " {m}", m=m) for m in phrases)
        if phase == "main":
            yield from _courses(voice, phrases)
            yield from _with_parts(voice, phrases, voice.moving)
        yield from _with_parts(voice, phrases, voice.resting)
        for m in phrases:
            if phase == "start" and not (voice.posture.ordered or voice.posture.repeats(m)):
                yield candidate("{p}, " + voice.subject + " {m}", p=voice.posture, m=m, spare=1)
        for opening, m in product(openings, phrases):
            spare = openings.index(opening)
            if not (spare and m.text.startswith(("starts", "begins", "stops", "ends"))):
                yield candidate(f"{opening}, {voice.subject} " + "{m}", m=m, spare=spare)

    return sentences


_PLAIN = frozenset({"action", "motion", "body-parts"})
"""Families with one text per slot: it says all it should, however long that takes."""

_MEANWHILE: dict[str, tuple[Phase, ...]] = {
    **{f"temporal.{phase}": (phase,) for phase in PHASES},
    # How the second person stands at first is said in fewer words than what follows.
    **{f"spatial.{level}": ("main", "start") for level in LEVELS},
}
"""Slot -> phases in which the second person is shown; of other slots, the main phase."""

_POOLS: dict[str, Callable[[Voice], Iterator[Candidate]]] = {
    "action": _action,
    "motion": _motion,
    "codebook": _codebook,
    **{f"body-parts.{part}": _body_part(part) for part in PARTS},
    **{f"spatial.{level}": _spatial(level) for level in LEVELS},
    **{f"temporal.{phase}": _phase(phase) for phase in PHASES},
}
