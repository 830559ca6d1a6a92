"""Replays every decision of an export to its resolution, from the entries alone.

It reads an export directory (checkpoint, entry bundles, statements) and nothing else, uses Python's standard library
only, and shares no code with the product: the rules of review are written down here a second time. It prints how many
decisions came to which resolution and every entry that does not follow from the ones before it, and exits 1 if there
is any. A decision with acts that it does not understand is counted as not judged, never passed over in silence.

    python3 replay.py EXPORT

As a test it replays the frozen log `countersign-v1`, or the export that COUNTERSIGN_EXPORT names.
"""

import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
import unittest
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CLOCK_SLACK_MS = 30_000
BULK_MAX = 50
APPROVER = "3a816eb7-fac2-4aa2-8d65-fb9dbb41ffeb"
SENIOR_APPROVER = "f14a7d3e-82b6-4b0d-9c6f-2e5b80a4d105"
COMPLIANCE_OFFICER = "e86b2f40-17d9-4c85-a3f2-6d0e9b71c807"
GRANT_USES_MAX = 500
GRANT_SECONDS_MAX = 7 * 24 * 3_600

VERDICTS = {"approve", "reject", "abstain", "defer", "escalate", "request_changes", "approve_with_edits"}
COUNTED = {"approve", "reject", "approve_with_edits"}
OUTCOMES = {"approved", "rejected", "expired", "withdrawn", "revoked"}
PEOPLE_ROUTES = {"require", "escalate"}
FROZEN = Path(__file__).parents[2] / "ledger/tests/vectors/countersign-v1"
TO_LOOK_AT = {"decision.overridden", "decision.revoked", "auth.break_glass_used"}
READS = {"access.viewed", "access.downloaded", "access.unmasked", "access.denied", "decision.viewed"}

Leaf = dict[str, Any]


class Unreadable(Exception):
    """The directory is not an export that can be replayed."""


class NotUnderstood(Exception):
    """A word or kind that a later version of the product may have; its decision is not judged."""


@dataclass(frozen=True)
class Disagreement:
    """An entry that does not follow from the ones before it."""

    index: int
    decision: str
    why: str

    def __str__(self) -> str:
        return f"index {self.index}, decision {self.decision}: {self.why}"


@dataclass
class Review:
    """A ruling as its entry has it."""

    entry: str
    person: str
    verdict: str
    round: int
    senior: bool
    edited: str | None = None
    stands: bool = True
    alone: bool = False
    on_behalf: str | None = None

    def people(self) -> set[str]:
        """Whose part it is: who gave it, and in whose place."""
        return {self.person} | ({self.on_behalf} if self.on_behalf else set())


@dataclass
class Delegation:
    """A right to review in somebody's place."""

    delegator: str
    delegate: str
    systems: list[str] | None
    start: int
    end: int
    ended: bool = False

    def runs(self, at: int, slack: int = 0) -> bool:
        return not self.ended and self.start <= at < self.end + slack

    def covers(self, system: str) -> bool:
        return self.systems is None or system in self.systems


@dataclass
class Bulk:
    """One ruling on several decisions, as it was sent."""

    person: str
    said: tuple[str, str, str]
    left: int
    reviewed: set[str] = field(default_factory=set)


@dataclass
class Grant:
    """What one person asked for and another one activated."""

    system: str
    type: str
    uses: int
    seconds: int
    requester: str | None
    state: str = "requested"
    until: int = 0
    used: int = 0


@dataclass
class Settling:
    """A quorum that was met, until its window has passed."""

    outcome: str
    until: int
    reviews: set[str]


@dataclass
class Decision:
    """One decision as far as it was replayed."""

    content: str
    system: str
    n: int = 1
    round: int = 1
    policy: str | None = None
    rule: int | None = None
    route: str | None = None
    need: int = 0
    reject_threshold: int = 1
    due: int = 0
    seniors_only: bool = False
    shown: set[tuple[str, str]] = field(default_factory=set)
    reviews: dict[str, Review] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)
    settling: Settling | None = None
    outcome: str | None = None
    resolution: str | None = None
    resolved_at: int = 0
    released: bool = False
    judged: bool = True
    rejected_at: int | None = None
    editor: str | None = None
    edited_for: str | None = None
    stale: bool = False
    withdrawn: bool = False
    held: dict[str, str] = field(default_factory=dict)
    seated: set[str] = field(default_factory=set)
    revoked: bool = False
    effect: bool = False
    refused: bool = False
    overridden: bool = False
    told_anew: bool = False
    type: str = ""
    tier: str = ""
    guarded: bool = False
    grant: str | None = None

    def begin_anew(self) -> None:
        """Another content or route: nobody holds a seat, and no approval is known to fill one."""
        self.held.clear()
        self.seated.clear()

    def is_of_round(self, review: Review) -> bool:
        """Whether a review is of the running round; one that approved with edits made it, and counts in it."""
        return review.round == self.round or self.opened(review)

    def opened(self, review: Review) -> bool:
        return review.verdict == "approve_with_edits" and review.round + 1 == self.round

    def is_rejected(self) -> bool:
        return len(self.standing("reject")) >= self.reject_threshold

    def standing(self, *verdicts: str) -> list[Review]:
        reviews = self.reviews.values()
        return [one for one in reviews if one.stands and self.is_of_round(one) and one.verdict in verdicts]


class Replay:
    """Goes through a log entry by entry."""

    def __init__(self, statements: dict[str, dict[str, Any]]) -> None:
        self.statements = statements
        self.decisions: dict[str, Decision] = {}
        self.roles: dict[str, dict[str, Leaf]] = {}
        self.disabled: set[str] = set()
        self.paused: set[str] = set()
        self.owners: dict[str, str | None] = {}
        self.bulks: dict[str, Bulk] = {}
        self.to_look_at: dict[str, str | None] = {}
        self.looked_at = 0
        self.delegations: dict[str, Delegation] = {}
        self.grants: dict[str, Grant] = {}
        self.granted = 0
        self.disagreements: list[Disagreement] = []
        self.not_understood: Counter[str] = Counter()
        self.reviews = 0
        self.leases = 0

    def visit(self, index: int, leaf: Leaf) -> None:
        about = leaf.get("obj") or {}
        kind = leaf["kind"]
        if about.get("t") == "person":
            self.visit_person(index, about["id"], leaf)
        elif kind in ("system.paused", "system.resumed"):
            (self.paused.add if kind == "system.paused" else self.paused.discard)(about.get("id"))
        elif kind == "system.owner_named":
            self.owners[about["id"]] = (leaf.get("d") or {}).get("owner")
        elif kind == "bulk.started":
            self.visit_bulk(index, about["id"], leaf)
        elif kind == "post_review.given":
            self.look(index, about["id"], leaf)
        elif about.get("t") == "grant" and "n" in about:
            for why in self.visit_grant(about["id"], kind, leaf):
                self.disagree(index, about["id"], why)
        elif about.get("t") == "decision":
            self.visit_decision(index, about, leaf)
        if kind in TO_LOOK_AT:
            self.to_look_at[leaf["id"]] = leaf["actor"].get("sid")

    def look(self, index: int, act: str, leaf: Leaf) -> None:
        """Another person than who acted looks at an override, a revocation or an emergency sign-in, once."""
        self.looked_at += 1
        actor, alone = leaf["actor"], "single_operator" in (leaf.get("authz") or {}).get("ids", [])
        if actor["as"] != "person":
            self.disagree(index, act, "no person looked at it")
        if act not in self.to_look_at:
            self.disagree(index, act, "what was looked at is no act that waits for that, or was looked at before")
        elif self.to_look_at.pop(act) == actor.get("sid") and not alone:
            self.disagree(index, act, "who acted looked at it themselves")

    def visit_grant(self, id: str, kind: str, leaf: Leaf) -> Iterator[str]:
        """One person asks, another one with the right activates, and it is used within its uses and its time."""
        d, actor, grant = leaf.get("d") or {}, leaf["actor"], self.grants.get(id)
        person = actor.get("sid", "") if actor["as"] == "person" else None
        if kind == "grant.requested":
            if grant is not None or person is None:
                yield "a grant was asked for twice, or by no person"
            if not 1 <= d["uses"] <= GRANT_USES_MAX or d["seconds"] > GRANT_SECONDS_MAX:
                yield "a grant is for more uses or more time than any may be"
            self.grants[id] = Grant(d["system"], d["type"], d["uses"], d["seconds"], person)
            return
        if grant is None:
            yield f"{kind} before anybody asked for the grant"
            return
        if grant.state != ("requested" if kind in {"grant.activated", "grant.refused"} else "active"):
            yield f"{kind} while the grant was {grant.state}"
        if kind in {"grant.activated", "grant.refused", "grant.revoked"} and person is None:
            yield f"no person did {kind}"
        if kind == "grant.activated":
            alone = "single_operator" in (leaf.get("authz") or {}).get("ids", [])
            if person == grant.requester and not alone:
                yield "who asked for a grant activated it"
            may = any(self.holds(person or "", role, grant.system, leaf["at"]) for role in (SENIOR_APPROVER, COMPLIANCE_OFFICER))
            if person in self.disabled or not may:
                yield "who activated a grant may activate none for its AI system"
            if person == self.owners.get(grant.system) and not alone:
                yield "who owns an AI system activated a grant for it"
            if d["until"] > leaf["at"] + grant.seconds * 1_000 + CLOCK_SLACK_MS:
                yield "a grant ends later than was asked for"
            grant.state, grant.until = "active", d["until"]
        elif kind == "grant.used":
            yield from self.use(id, grant, leaf, d)
        elif kind == "grant.exhausted":
            if grant.used != grant.uses:
                yield "a grant is used up and has uses left"
            grant.state = "exhausted"
        elif kind == "grant.expired":
            if leaf["at"] + CLOCK_SLACK_MS < grant.until:
                yield "the time of a grant was not over"
            grant.state = "expired"
        else:
            grant.state = kind.removeprefix("grant.")

    def use(self, id: str, grant: Grant, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        grant.used += 1
        if d["number"] != grant.used or grant.used > grant.uses:
            yield "a grant is used more often than it may be, or out of order"
        if leaf["at"] > grant.until + CLOCK_SLACK_MS:
            yield "a grant is used after its time"
        decision = self.decisions.get(d["decision"])
        if decision is None or decision.outcome or decision.round != 1:
            yield "a grant is used for what was not proposed, or is resolved or changed"
            return
        if (decision.system, decision.type) != (grant.system, grant.type):
            yield "a grant is used for another AI system or decision type"
        if decision.tier == "high" or decision.guarded or decision.route != "require" or decision.need != 1:
            yield "a grant is used for what it never approves: high risk, a guard, or more than one approver"
        decision.grant = id

    def finish(self) -> None:
        """What must not be left behind at the end of the log."""
        for id, decision in self.decisions.items():
            if decision.judged and decision.rejected_at is not None:
                self.disagree(decision.rejected_at, id, "a rejection was never followed by a resolution")
            if decision.judged and decision.revoked and decision.outcome != "revoked":
                self.disagree(decision.resolved_at, id, "a revocation was never followed by its resolution")
            if decision.judged and decision.overridden and decision.outcome == "rejected":
                self.disagree(decision.resolved_at, id, "an override was never followed by its resolution")

    def disagree(self, index: int, id: str, why: str) -> None:
        self.disagreements.append(Disagreement(index, id, why))

    def visit_bulk(self, index: int, id: str, leaf: Leaf) -> None:
        d, actor = leaf["d"], leaf["actor"]
        if actor["as"] != "person":
            self.disagree(index, id, "several decisions were reviewed at once by no person")
        if not 1 <= d["count"] <= BULK_MAX or d["verdict"] not in {"approve", "reject"}:
            self.disagree(index, id, f"{d['count']} decisions cannot be reviewed at once with {d['verdict']}")
        said = (d["verdict"], d["code"], d["policy"])
        self.bulks[id] = Bulk(actor.get("sid", ""), said, d["count"])

    def visit_person(self, index: int, person: str, leaf: Leaf) -> None:
        d, kind = leaf.get("d") or {}, leaf["kind"]
        held = self.roles.setdefault(person, {})
        if kind == "person.disabled":
            self.disabled.add(person)
        elif kind == "person.enabled":
            self.disabled.discard(person)
        elif kind == "role.assigned":
            held[d.get("assignment") or leaf["id"]] = d
        elif kind == "role.unassigned":
            gone = d.get("assignment")
            for key in [key for key, one in held.items() if key == gone or (gone is None and one["role"] == d["role"])]:
                del held[key]
        elif kind == "delegation.given":
            for why in self.give(person, leaf, d):
                self.disagree(index, "none", why)
        elif kind == "delegation.ended":
            given = self.delegations.get(d["delegation"])
            if given is None or given.ended or given.delegator != person:
                self.disagree(index, "none", "a delegation was ended that did not run")
            else:
                given.ended = True
                if leaf["actor"].get("sid") not in (given.delegator, given.delegate):
                    self.disagree(index, "none", "a delegation was ended by neither of its two people")

    def give(self, person: str, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        """Somebody gives a colleague the right to review in their place; nobody passes such a right on."""
        if leaf["actor"].get("sid") != person or d["to"] == person:
            yield "a right to review was given by another than its owner, or to its owner"
        new = Delegation(person, d["to"], d.get("systems"), d["from"], d["until"])
        for one in self.delegations.values():
            at_once = not one.ended and leaf["at"] < one.end and one.start < new.end and new.start < one.end
            if at_once and (one.delegate == new.delegator or one.delegator == new.delegate):
                yield "a right to review was passed on by somebody who has it from another"
        self.delegations[leaf["id"]] = new

    def holds(self, person: str, role: str, system: str, at: int) -> bool:
        for d in self.roles.get(person, {}).values():
            systems = [d["system"]] if "system" in d else d.get("systems")
            if d["role"] == role and (systems is None or system in systems) and at < d.get("until", at + 1) + CLOCK_SLACK_MS:
                return True
        return False

    def visit_decision(self, index: int, about: dict[str, Any], leaf: Leaf) -> None:
        id, kind, d = about["id"], leaf["kind"], leaf.get("d") or {}
        decision = self.decisions.get(id)
        if kind == "decision.proposed":
            if decision is not None:
                return self.disagree(index, id, "it was proposed twice")
            self.decisions[id] = decision = Decision(d["content"], leaf["actor"]["sid"])
            decision.type, decision.tier = d["type"], d["tier"]
            self.check_content(index, id, d["content"])
        if decision is None:
            return self.disagree(index, id, f"{kind} before it was proposed")
        if not decision.judged:
            return
        if "n" in about and kind != "decision.proposed":
            decision.n += 1
        if "n" in about and about["n"] != decision.n:
            self.disagree(index, id, f"its act has number {about['n']}, expected {decision.n}")
        act = getattr(self, "on_" + kind.removeprefix("decision."), None) if kind.startswith("decision.") else None
        try:
            if act is None and kind not in READS | {"decision.proposed"}:
                raise NotUnderstood(kind)
            # What is rejected is final in the same transaction, or begins a window; nothing comes between but that a
            # review is void whose author lost the right to it.
            between = {"decision.resolved", "decision.quorum_met", "decision.review_voided", *READS}
            if decision.rejected_at is not None and kind not in between:
                self.disagree(index, id, f"{kind} after a rejection that had not been resolved")
                decision.rejected_at = None
            if act is not None:
                for why in act(decision, index, leaf, d):
                    self.disagree(index, id, why)
        except NotUnderstood as error:
            self.not_understood[str(error)] += 1
            decision.judged = False
        except KeyError as error:
            self.disagree(index, id, f"{kind} lacks {error}")

    def check_content(self, index: int, id: str, content: str) -> None:
        statement = self.statements.get(content)
        if statement is None:
            self.disagree(index, id, "the statement of its content is not in the export")
        elif statement.get("decision") != id:
            self.disagree(index, id, "the statement of its content is about another decision")

    # One function for each kind; each yields what does not follow.

    def on_routed(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if decision.outcome:
            yield "it was routed after its resolution"
        if d["route"] not in {"auto_approve", "deny", *PEOPLE_ROUTES}:
            raise NotUnderstood(f"route {d['route']}")
        decision.policy, decision.rule, decision.route = d["policy"], d["rule"], d["route"]
        decision.need, decision.due = d["need"], d["due"]
        decision.reject_threshold = d.get("reject_threshold", 1)
        if "reject_threshold" in d and not 2 <= d["reject_threshold"] <= d["need"]:
            yield "it asks for more rejections than approvals, or for none"
        if decision.is_rejected():
            decision.rejected_at = index
        decision.seniors_only = d["route"] == "escalate"
        decision.guarded = bool(d.get("guards"))
        decision.begin_anew()
        if decision.stale and any(one.stands and not decision.is_of_round(one) for one in decision.reviews.values()):
            yield "it was changed, and a review of what stood before was not voided"
        decision.stale = False
        if decision.route in PEOPLE_ROUTES and decision.need < 1:
            yield "it asks people and needs none of them"

    def on_escalated(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if decision.route is None or decision.outcome:
            yield "it was escalated before its routing or after its resolution"
        if "review" in d:
            review = decision.reviews.get(d["review"])
            if review is None or review.verdict != "escalate" or review.round != decision.round:
                yield "it was escalated by a review that is none of this round's that escalate"
        elif leaf["at"] + CLOCK_SLACK_MS < decision.due:
            yield "it was escalated by a deadline that had not come"
        if d["need"] < decision.need:
            yield "escalated, it needs fewer approvals than before"
        decision.need, decision.due, decision.seniors_only = d["need"], d["due"], True
        decision.begin_anew()

    def on_commented(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        """A comment has no effect, before the resolution or after; people write it, and who was asked answers."""
        person = leaf["actor"].get("sid", "")
        if leaf["actor"]["as"] != "person":
            yield "no person commented on it"
        if "answers" in d and decision.questions.pop(d["answers"], None) != person:
            yield "a comment answers no question that waits for this person"
        if "asks" in d:
            decision.questions[leaf["id"]] = d["asks"]

    def on_reminded(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        """The deadline reminds people of what is open; nothing follows from it."""
        if leaf["actor"]["as"] != "engine":
            yield "somebody reminded people of it, and not the deadline"
        if decision.outcome is not None:
            yield "people were reminded of it after its resolution"

    def on_leased(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        """A person takes a seat. Whose time had run out is named here; a person's own earlier claim ends with it."""
        self.leases += 1
        person = leaf["actor"].get("sid", "")
        if leaf["actor"]["as"] != "person":
            yield "no person started a review"
        if decision.outcome:
            yield "a review was started after the resolution"
        for entry in d.get("lapsed", []):
            if decision.held.pop(entry, None) is None:
                yield "a claim is named as run out that was not held"
        decision.held = {entry: holder for entry, holder in decision.held.items() if holder != person}
        seated = [one for one in decision.standing("approve") if one.entry in decision.seated]
        missing = max(decision.need - len(seated), 1)
        if len(decision.held) >= missing:
            yield f"a seat was taken, and {len(decision.held)} of {missing} were held"
        decision.held[leaf["id"]] = person

    def on_lease_ended(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if d["cause"] not in {"released", "taken_over"}:
            raise NotUnderstood(f"a claim ended as {d['cause']}")
        holder = decision.held.pop(d["lease"], None)
        own = holder == leaf["actor"].get("sid")
        if holder is None:
            yield "a claim was ended that was not held"
        elif d["cause"] == "released" and not own:
            yield "a claim was given up by somebody else than its holder"
        elif d["cause"] == "taken_over" and (own or "reason" not in leaf.get("cm", {})):
            yield "a claim was taken over by its own holder or without a reason"

    def on_viewed(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if leaf["actor"]["as"] == "person":
            decision.shown.add((leaf["actor"]["sid"], d["seen"]))
        yield from ()

    def on_reviewed(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        self.reviews += 1
        person, at = leaf["actor"].get("sid", ""), leaf["at"]
        if d["verdict"] not in VERDICTS:
            raise NotUnderstood(f"verdict {d['verdict']}")
        if decision.outcome:
            yield "it was reviewed after its resolution"
        if leaf["actor"]["as"] != "person":
            yield "no person reviewed it"
        if decision.route not in PEOPLE_ROUTES:
            yield "it was reviewed though no people were asked"
        if d["policy"] != decision.policy:
            yield "the review names another policy version than the routing"
        if d["round"] != decision.round:
            yield f"the review is of round {d['round']}, and the round is {decision.round}"
        if d["content"] != decision.content:
            yield "the review is of a content that is not the decision's"
        delegator = leaf["actor"].get("for")
        if {person, delegator} & {decision.editor, decision.edited_for} - {None}:
            yield "who edited the content reviewed it"
        if decision.standing("request_changes"):
            yield "it was reviewed while its AI system was to change it"
        yield from self.unseen(decision, person, leaf["obj"]["id"], d)
        yield from self.not_sent(person, leaf["obj"]["id"], d)
        if person in self.disabled:
            yield "the reviewer was disabled"
        alone = "single_operator" in (leaf.get("authz") or {}).get("ids", [])
        if self.owners.get(decision.system) in {person, delegator} - {None} and not alone:
            yield "the reviewer owned the AI system that proposed it"
        senior = self.holds(delegator or person, SENIOR_APPROVER, decision.system, at)
        if not senior and not self.holds(delegator or person, APPROVER, decision.system, at):
            yield "the reviewer held no role that reviews"
        yield from self.in_place(decision, person, delegator, at, d)
        if d["verdict"] in COUNTED and any(one.person == person for one in decision.standing(*COUNTED)):
            yield "the same person's review of this round stands already"
        decision.reviews[leaf["id"]] = Review(
            leaf["id"], person, d["verdict"], d["round"], senior, d.get("edited"), alone=alone, on_behalf=delegator
        )
        # A log from before there were claims has none.
        if self.leases and person not in decision.held.values():
            yield "the reviewer had not started the review, or it had ended"
        decision.held = {entry: holder for entry, holder in decision.held.items() if holder != person}
        if d["verdict"] == "approve":
            decision.seated.add(leaf["id"])
        if d["verdict"] == "request_changes":
            decision.held.clear()
        if d["verdict"] == "reject" and decision.is_rejected():
            decision.rejected_at = index

    def in_place(
        self, decision: Decision, person: str, delegator: str | None, at: int, d: dict[str, Any]
    ) -> Iterator[str]:
        """Why a review has no delegation to stand on, or gives one person two parts, if so."""
        given = self.delegations.get(d.get("delegation", ""))
        if delegator is None and "delegation" in d:
            yield "the review names a delegation and nobody in whose place it was given"
        if delegator is not None:
            if given is None or (given.delegator, given.delegate) != (delegator, person):
                yield "the reviewer was given no such right by whom they reviewed for"
            elif not given.runs(at, CLOCK_SLACK_MS) or not given.covers(decision.system):
                yield "what was given did not run, or does not cover this AI system"
            if delegator in self.disabled:
                yield "in whose place it was reviewed, was disabled"
            roles = (APPROVER, SENIOR_APPROVER)
            if not any(one["role"] in roles and at < one.get("until", at + 1) + CLOCK_SLACK_MS for one in self.held(person)):
                yield "who reviewed in somebody's place held no role that reviews"
        people = {person} | ({delegator} if delegator else set())
        for one in decision.standing(*(VERDICTS - {"defer"})):
            if one.round == d["round"] and one.people() & people and (delegator or one.on_behalf):
                yield "one person has two parts in the round, their own and by somebody in their place"
        counted = set().union(*(one.people() for one in decision.standing(*COUNTED)))
        for one in self.delegations.values():
            if one.runs(at - CLOCK_SLACK_MS) and at < one.end and one.covers(decision.system):
                if one.delegator in people and one.delegate in counted - people:
                    yield "delegator and delegate both reviewed it"
                elif one.delegate in people and one.delegator in counted - people:
                    yield "delegator and delegate both reviewed it"

    def held(self, person: str) -> list[Leaf]:
        return list(self.roles.get(person, {}).values())

    def unseen(self, decision: Decision, person: str, id: str, d: dict[str, Any]) -> Iterator[str]:
        """Why this very person had not been shown this very content, if so."""
        if (person, d["seen"]) not in decision.shown:
            yield "what the review says was seen was not shown to the reviewer before"
            return
        seen = self.statements.get(d["seen"])
        if seen is None:
            yield "the statement of what was seen is not in the export"
        elif seen.get("decision") != id or seen.get("content") != d["content"]:
            yield "the reviewer was shown another content than the one ruled on"

    def not_sent(self, person: str, id: str, d: dict[str, Any]) -> Iterator[str]:
        """Why a review is not of the ruling on several decisions that it names, if so."""
        if "bulk" not in d:
            return
        bulk = self.bulks.get(d["bulk"])
        if bulk is None:
            yield "the review names a ruling on several decisions that nobody sent"
            return
        if bulk.person != person or bulk.said != (d["verdict"], d.get("code"), d["policy"]):
            yield "the review is of another person, ruling or policy than the ruling on several that it names"
        if id in bulk.reviewed or bulk.left == 0:
            yield "the ruling on several decisions that the review names is of others"
        bulk.reviewed.add(id)
        bulk.left -= 1

    def on_quorum_met(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if d["outcome"] not in {"approved", "rejected"}:
            raise NotUnderstood(f"quorum for {d['outcome']}")
        if decision.outcome:
            yield "a quorum was met after the resolution"
        if decision.settling and decision.settling.outcome == d["outcome"]:
            yield "a quorum was met while one was met already"
        if d["until"] <= leaf["at"]:
            yield "the window of a met quorum ends before it begins"
        yield from self.does_not_follow(decision, d)
        decision.settling = Settling(d["outcome"], d["until"], set(d.get("reviews", [])))
        decision.rejected_at = None

    def on_review_retracted(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        review = decision.reviews.get(d["review"])
        if review is not None and review.person != leaf["actor"].get("sid"):
            yield "a review was retracted by somebody else than its author"
        yield from self.fall(decision, review, "retracted")
        if review is not None and d["round"] != review.round:
            yield "a review of another round was retracted"

    def on_review_voided(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if d["cause"] not in {"authority", "revised"}:
            raise NotUnderstood(f"voided for {d['cause']}")
        yield from self.fall(decision, decision.reviews.get(d["review"]), "voided")

    def fall(self, decision: Decision, review: Review | None, how: str) -> Iterator[str]:
        """A review counts no more, and a quorum that counted it is met no more."""
        if decision.outcome:
            yield f"a review was {how} after the resolution"
        if review is None or not review.stands:
            yield f"a review was {how} that did not stand"
            return
        review.stands = False
        if not decision.is_rejected():
            decision.rejected_at = None
        if decision.settling and review.entry in decision.settling.reviews:
            decision.settling = None

    def on_revised(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if decision.outcome:
            yield "it was changed after its resolution"
        if d["from"] != decision.content:
            yield "it was changed from a content that is not the decision's"
        actor = leaf["actor"]
        if leaf["kind"] == "decision.edited":
            made = [one for one in decision.standing("approve_with_edits") if one.edited == d["content"]]
            if not any(one.person == actor.get("sid") and one.round == decision.round for one in made):
                yield "it was edited by nobody whose review approved exactly these edits"
            decision.editor, decision.edited_for = actor.get("sid"), actor.get("for")
        else:
            if actor["as"] != "agent" or actor.get("sid") != decision.system:
                yield "it was revised by somebody else than its AI system"
            if not decision.standing("request_changes"):
                yield "it was revised and nobody had asked for a change"
            decision.editor, decision.edited_for = None, None
        self.check_content(index, leaf["obj"]["id"], d["content"])
        decision.content, decision.round, decision.settling = d["content"], decision.round + 1, None
        decision.begin_anew()
        decision.stale = True

    on_edited = on_revised

    def on_withdrawn(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if decision.outcome:
            yield "it was withdrawn after its resolution"
        if leaf["actor"]["as"] != "agent" or leaf["actor"].get("sid") != decision.system:
            yield "it was withdrawn by somebody else than its AI system"
        decision.withdrawn = True

    def on_revoked(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        """A senior approver of its AI system takes an approval back, once; the resolution that says so follows."""
        if decision.outcome != "approved" or decision.revoked:
            yield "it was revoked and is not approved"
        yield from self.names_resolution(decision, d)
        actor = leaf["actor"]
        if actor["as"] != "person":
            yield "no person revoked it"
        elif actor["sid"] in self.disabled or not self.holds(
            actor["sid"], SENIOR_APPROVER, decision.system, leaf["at"]
        ):
            yield "who revoked it was no senior approver of its AI system"
        decision.revoked = True

    def on_overridden(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        """A senior approver of its AI system, who was shown it, releases what a rule refused, once."""
        if not decision.refused or decision.overridden or decision.outcome != "rejected":
            yield "it was overridden and no rule had refused it"
        yield from self.names_resolution(decision, d)
        yield from self.names_refusal(decision, d)
        actor = leaf["actor"]
        if actor["as"] != "person":
            yield "no person overrode it"
        elif actor["sid"] in self.disabled or not self.holds(
            actor["sid"], SENIOR_APPROVER, decision.system, leaf["at"]
        ):
            yield "who overrode it was no senior approver of its AI system"
        yield from self.unseen(decision, actor.get("sid", ""), leaf["obj"]["id"], d)
        decision.overridden = True

    def names_refusal(self, decision: Decision, d: dict[str, Any]) -> Iterator[str]:
        for name, is_ in [("content", decision.content), ("policy", decision.policy), ("rule", decision.rule)]:
            if d[name] != is_:
                yield f"another {name} is overridden than was refused"

    def on_compensated(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if d["result"] not in {"done", "not_possible"}:
            raise NotUnderstood(f"compensation {d['result']}")
        if decision.outcome != "revoked" or not decision.effect:
            yield "what was not revoked, or did nothing, was made good"
        if leaf["actor"]["as"] != "person":
            yield "no person says what was done about it"

    def on_resolved(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        if d["outcome"] not in OUTCOMES:
            raise NotUnderstood(f"outcome {d['outcome']}")
        if d["outcome"] == "revoked":
            if decision.outcome != "approved" or not decision.revoked:
                yield "it is resolved as revoked and nobody revoked an approval"
            if d["content"] != decision.content:
                yield "another content is revoked than the decision's"
            decision.outcome, decision.resolution, decision.resolved_at = "revoked", leaf["id"], index
            return
        if d.get("cause") == "override":
            if not decision.overridden or decision.outcome != "rejected":
                yield "it is resolved by an override and nobody overrode a refusal"
            if d["outcome"] != "approved" or d.get("reviews"):
                yield "an override approves and counts no reviews"
            if decision.system in self.paused:
                yield "it was overridden while its AI system was paused"
            yield from self.names_refusal(decision, d)
            decision.outcome, decision.resolution, decision.resolved_at = d["outcome"], leaf["id"], index
            decision.told_anew = decision.released
            return
        if decision.outcome:
            yield f"it is resolved twice: {decision.outcome}, then {d['outcome']}"
            return
        settling = decision.settling
        if d["outcome"] == "withdrawn":
            if not decision.withdrawn:
                yield "it is resolved as withdrawn and its AI system did not withdraw it"
            if d["content"] != decision.content:
                yield "another content is resolved than the decision's"
        else:
            yield from self.does_not_follow(decision, d, leaf)
            if settling and d["outcome"] in {"approved", "rejected"} and d.get("cause") != "rule":
                if leaf["at"] + CLOCK_SLACK_MS < settling.until:
                    yield "it is resolved before the window of its quorum has passed"
                if d["outcome"] != settling.outcome or set(d.get("reviews", [])) != settling.reviews:
                    yield "it is resolved otherwise than its quorum was met"
        decision.outcome, decision.resolution, decision.resolved_at = d["outcome"], leaf["id"], index
        decision.settling, decision.rejected_at = None, None
        decision.refused = d["outcome"] == "rejected" and d.get("cause") == "rule"

    def does_not_follow(self, decision: Decision, d: dict[str, Any], leaf: Leaf | None = None) -> Iterator[str]:
        """Why an outcome does not follow from routing, reviews and time."""
        if decision.route is None:
            yield "it is resolved before its routing"
            return
        for name, is_ in [("content", decision.content), ("policy", decision.policy), ("round", decision.round)]:
            if d[name] != is_:
                yield f"another {name} is resolved than the decision's"
        if "rule" in d and d["rule"] != decision.rule:
            yield "another row is named than the one that routed it"
        named = d.get("reviews", [])
        cause = d.get("cause")
        if cause == "rule":
            if (d["outcome"], decision.route) not in {("approved", "auto_approve"), ("rejected", "deny")} or named:
                yield f"a rule that says {decision.route} cannot make it {d['outcome']}"
            if d["outcome"] == "approved" and decision.system in self.paused:
                yield "a rule approved it while its AI system was paused"
            return
        if cause == "grant":
            self.granted += 1
            if (d["outcome"], decision.route) != ("approved", "require") or named:
                yield f"a grant cannot make it {d['outcome']} where a rule says {decision.route}"
            if decision.grant is None or decision.grant != d["grant"]:
                yield "it names a grant that was not used for it"
            if decision.system in self.paused:
                yield "a grant approved it while its AI system was paused"
            return
        if decision.grant is not None and d["outcome"] != "revoked":
            yield "a grant was used for it, and it is resolved otherwise"
        if cause == "pause":
            if d["outcome"] != "rejected" or named:
                yield "a pause rejects and counts no reviews"
            if decision.system not in self.paused:
                yield "a pause decided it while its AI system was not paused"
            return
        if d["outcome"] == "expired":
            if decision.settling:
                yield "it expired though its quorum was met"
            if decision.is_rejected():
                yield "it expired though enough people had rejected it"
            if named:
                yield "it expired and counts reviews"
            if leaf is not None and leaf["at"] + CLOCK_SLACK_MS < decision.due:
                yield "it expired before its deadline"
            return
        if decision.route not in PEOPLE_ROUTES:
            yield f"people decided what a rule routes to {decision.route}"
        counted = []
        for entry in named:
            review = decision.reviews.get(entry)
            if review is None or not decision.is_of_round(review):
                yield f"it counts {entry}, which is no review of its round"
            elif not review.stands:
                yield f"it counts {entry}, a review that was retracted or voided"
            elif any(review.people() & one.people() for one in counted):
                yield f"it counts one person twice, with {entry}"
            elif self.owners.get(decision.system) in review.people() and not review.alone:
                yield f"it counts {entry}, a review of who owns the AI system by then"
            else:
                counted.append(review)
        rejections = [one for one in counted if one.verdict == "reject"]
        if d["outcome"] == "rejected" and not rejections:
            yield "it is rejected and counts no rejection"
        elif d["outcome"] == "rejected" and len(rejections) < decision.reject_threshold:
            yield f"it is rejected by {len(rejections)} of {decision.reject_threshold} that were needed"
        if d["outcome"] == "approved":
            approvals = [one for one in counted if one.verdict in {"approve", "approve_with_edits"}]
            for one in approvals:
                tier = self.statements.get(decision.content, {}).get("tier")
                if one.verdict == "approve_with_edits" and not (
                    decision.opened(one) and one.edited == decision.content and tier == "low" and decision.need == 1
                ):
                    yield "an editor's own approval counts, and is not enough for what was edited"
            if decision.seniors_only:
                approvals = [one for one in approvals if one.senior]
            if len(approvals) < max(decision.need, 1):
                yield f"it is approved by {len(approvals)} of {max(decision.need, 1)} that were needed"
            if decision.is_rejected():
                yield "it is approved against a rejection that stands"

    def on_released(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        yield from self.names_resolution(decision, d)
        if leaf["actor"]["as"] == "agent" and leaf["actor"]["sid"] != decision.system:
            yield "it was released to another AI system"
        untold = not decision.released or decision.told_anew
        if decision.outcome == "approved" and untold and decision.system in self.paused:
            yield "an approval was released while its AI system was paused"
        if decision.outcome and not decision.resolved_at < d["size"] <= index:
            yield f"it was released at size {d['size']}, which does not cover its resolution at {decision.resolved_at}"
        decision.released, decision.told_anew = True, False

    def on_outcome_reported(self, decision: Decision, index: int, leaf: Leaf, d: dict[str, Any]) -> Iterator[str]:
        yield from self.names_resolution(decision, d)
        if not decision.released:
            yield "an outcome was reported before the release"
        if d.get("result") in {"executed", "failed"} and d.get("effect") != "none":
            decision.effect = True

    def names_resolution(self, decision: Decision, d: dict[str, Any]) -> Iterator[str]:
        if decision.outcome is None:
            yield "it comes before the resolution"
        elif d["resolution"] != decision.resolution:
            yield "it names another resolution than the decision's"


def read_leaves(directory: Path) -> list[bytes]:
    """Every leaf in order: bundles of up to 256, each leaf after its length in two bytes."""
    entries = directory / "tile/entries"

    def place(path: Path) -> tuple[int, int]:
        number, _, partial = path.relative_to(entries).as_posix().partition(".p/")
        return int(number.replace("x", "").replace("/", "")), int(partial or 256)

    leaves: list[bytes] = []
    for path in sorted((path for path in entries.rglob("*") if path.is_file()), key=place):
        content, at = path.read_bytes(), 0
        while at < len(content):
            end = at + 2 + int.from_bytes(content[at : at + 2], "big")
            leaves.append(content[at + 2 : end])
            at = end
    return leaves


def root(leaves: list[bytes]) -> bytes:
    """The tree head of RFC 6962, section 2.1."""
    level = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + a + b).digest() for a, b in zip(level[::2], level[1::2])]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]


def read_statements(directory: Path) -> dict[str, dict[str, Any]]:
    """The content and seen statements by their digest, which is computed here and never taken from a file's name."""
    statements = {}
    for path in directory.glob("*.json"):
        body = path.read_bytes()
        for label in ("content", "seen"):
            if digest(label, body) == path.stem:
                statements[path.stem] = json.loads(body)
    return statements


def digest(label: str, body: bytes) -> str:
    """The name of a statement: its labelled digest as base64url."""
    hashed = hashlib.sha256(f"countersign/{label}/v1\n".encode() + body).digest()
    return base64.urlsafe_b64encode(hashed).rstrip(b"=").decode()


def replay(directory: Path) -> Replay:
    """Replays an export whose leaves are those of its checkpoint."""
    try:
        _, size, head, *_ = (directory / "checkpoint").read_text().split("\n")
    except (OSError, ValueError) as error:
        raise Unreadable(f"{directory} has no checkpoint; name the directory of an export ({error})") from error
    leaves = read_leaves(directory)
    if len(leaves) != int(size):
        raise Unreadable(f"the checkpoint is of size {size}, and the bundles hold {len(leaves)} entries")
    if base64.b64encode(root(leaves)).decode() != head:
        raise Unreadable("the entries are not those that the checkpoint was signed over")
    log = Replay(read_statements(directory / "statements"))
    for index, leaf in enumerate(leaves):
        log.visit(index, json.loads(leaf))
    log.finish()
    return log


def report(log: Replay) -> str:
    judged = [one for one in log.decisions.values() if one.judged]
    lines = [f"{len(log.decisions)} decisions, {log.reviews} reviews, {log.leases} claims on them"]
    if log.looked_at:
        lines.append(f"{log.looked_at} acts looked at by another person, {len(log.to_look_at)} wait for one")
    if log.grants:
        lines.append(f"{len(log.grants)} grants, by which {log.granted} decisions were approved and nobody was asked")
    for outcome, count in sorted(Counter(one.outcome or "open" for one in judged).items()):
        lines.append(f"  {outcome} {count}")
    lines.append(f"  not judged {len(log.decisions) - len(judged)}")
    lines += [f"    not understood: {what} ({count})" for what, count in sorted(log.not_understood.items())]
    lines.append(f"{len(log.disagreements)} disagreements")
    lines += [f"  {one}" for one in log.disagreements]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        log = replay(Path(arguments[0]))
    except Unreadable as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    print(report(log))
    return 1 if log.disagreements else 0


class Export(unittest.TestCase):
    """A log that the product wrote."""

    def test_every_resolution_follows_from_its_entries(self) -> None:
        with tempfile.TemporaryDirectory() as place:
            log = replay(Path(os.environ.get("COUNTERSIGN_EXPORT") or frozen(Path(place))))
        self.assertTrue(log.decisions)
        self.assertEqual([str(one) for one in log.disagreements], [])
        self.assertTrue(any(one.outcome for one in log.decisions.values()))


def frozen(place: Path) -> Path:
    """The frozen log in the layout of an export."""
    shutil.copytree(FROZEN / "tile", place / "tile")
    shutil.copy(FROZEN / "checkpoint.16", place / "checkpoint")
    (place / "statements").mkdir()
    for label, name in (("content", "content.json"), ("seen", "presentation.json")):
        body = (FROZEN / name).read_bytes()
        (place / f"statements/{digest(label, body)}.json").write_bytes(body)
    return place


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
