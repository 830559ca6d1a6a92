"""The checker of replay.py sees every fault: hand-made logs, each wrong in one way, and right ones beside them."""

import base64
import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import replay  # noqa: E402

SYSTEM, POLICY = "system-1", "policy-1"
HOUR = 3_600_000


class Log:
    """A log under work: entries as the product writes them, and their statements."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.statements: dict[str, bytes] = {}
        self.numbers: dict[str, int] = {}
        self.at = 1_000_000
        for person in ("ann", "bob", "cid"):
            self.act("person", person, "role.assigned", {"role": replay.APPROVER, "assignment": f"{person}-approver"})
        self.act("person", "sue", "role.assigned", {"role": replay.SENIOR_APPROVER, "assignment": "sue-senior"})

    def give(self, delegator: str, delegate: str, by: str | None = None, **d: Any) -> str:
        """Somebody gives a colleague the right to review in their place, for an hour around this moment."""
        right = {"to": delegate, "from": self.at - HOUR, "until": self.at + HOUR}
        return self.act("person", delegator, "delegation.given", right | d, as_="person", sid=by or delegator)

    def take_back(self, delegator: str, delegation: str, by: str) -> None:
        self.act("person", delegator, "delegation.ended", {"delegation": delegation}, as_="person", sid=by)

    def add(self, leaf: dict[str, Any]) -> str:
        self.at += 1
        leaf = {"v": 1, "at": self.at, "id": f"entry-{len(self.leaves)}", **leaf}
        self.leaves.append(json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode())
        return leaf["id"]

    def act(self, t: str, id: str, kind: str, d: dict[str, Any], **actor: str) -> str:
        self.numbers[id] = self.numbers.get(id, 0) + 1
        actor_ = {"as": actor.get("as_", "engine")} | ({"sid": actor["sid"]} if "sid" in actor else {})
        actor_ |= {"for": actor["for_"]} if "for_" in actor else {}
        return self.add({"kind": kind, "obj": {"t": t, "id": id, "n": self.numbers[id]}, "d": d, "actor": actor_})

    def statement(self, label: str, body: dict[str, Any]) -> str:
        text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        name = replay.digest(label, text)
        self.statements[name] = text
        return name

    def write(self, place: Path) -> Path:
        entries, statements = place / "tile/entries", place / "statements"
        entries.mkdir(parents=True)
        statements.mkdir()
        for start in range(0, len(self.leaves), 256):
            part = self.leaves[start : start + 256]
            full = len(part) == 256
            path = entries / (f"{start // 256:03}" if full else f"{start // 256:03}.p/{len(part)}")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in part))
        for name, body in self.statements.items():
            (statements / f"{name}.json").write_bytes(body)
        head = base64.b64encode(replay.root(self.leaves)).decode()
        (place / "checkpoint").write_text(f"log.example\n{len(self.leaves)}\n{head}\n\n— log.example AAAA\n")
        return place


class Decision:
    """One decision of a log, with the acts on it as they are right."""

    def __init__(
        self, log: Log, need: int = 2, id: str = "decision-1", route: str = "require", **more: Any
    ) -> None:
        self.log, self.id, self.need, self.round = log, id, need, 1
        self.routing = more
        self.due = log.at + HOUR
        self.route_to = route
        self.content = log.statement("content", {"decision": id, "fields": {}, "tier": "low"})
        self.do("proposed", {"content": self.content, "tier": "low", "type": "t"}, as_="agent", sid=SYSTEM)
        self.route()

    def route(self) -> None:
        d = {"policy": POLICY, "rule": 1, "route": self.route_to, "need": self.need, "due": self.due}
        self.do("routed", d | self.routing)

    def version(self, tier: str = "low") -> tuple[str, str]:
        """The content as it was, and another one that takes its place."""
        before, number = self.content, len(self.log.statements)
        self.content = self.log.statement("content", {"decision": self.id, "version": number, "tier": tier})
        return before, self.content

    def revise(self, *reviews: str) -> None:
        """The AI system changes it; the reviews of what stood before are void."""
        before, content = self.version()
        self.do("revised", {"from": before, "content": content}, as_="agent", sid=SYSTEM)
        self.begin(*reviews)

    def edit(self, person: str, *reviews: str, tier: str = "low") -> str:
        """A reviewer approves other parameters; returns that review."""
        seen, shown = self.view(person), self.content
        before, content = self.version(tier)
        d = {"content": shown, "seen": seen, "policy": POLICY, "round": self.round}
        review = self.do(
            "reviewed", d | {"verdict": "approve_with_edits", "edited": content}, as_="person", sid=person
        )
        self.do("edited", {"from": before, "content": content}, as_="person", sid=person)
        self.begin(*reviews)
        return review

    def begin(self, *reviews: str) -> None:
        for review in reviews:
            self.do("review_voided", {"review": review, "cause": "revised"})
        self.round += 1
        self.route()

    def do(self, kind: str, d: dict[str, Any], **actor: str) -> str:
        return self.log.act("decision", self.id, f"decision.{kind}", d, **actor)

    def view(self, person: str, content: str | None = None) -> str:
        seen = self.log.statement("seen", {"decision": self.id, "content": content or self.content, "to": person})
        about = {"t": "decision", "id": self.id, "upto": self.log.numbers[self.id]}
        actor = {"as": "person", "sid": person}
        self.log.add({"kind": "decision.viewed", "obj": about, "d": {"seen": seen}, "actor": actor})
        return seen

    def take(self, person: str, *lapsed: str) -> str:
        d = {"until": self.log.at + HOUR} | ({"lapsed": list(lapsed)} if lapsed else {})
        return self.do("leased", d, as_="person", sid=person)

    def end(self, person: str, lease: str, cause: str = "released") -> None:
        self.do("lease_ended", {"lease": lease, "cause": cause}, as_="person", sid=person)
        if cause == "taken_over":
            leaf = json.loads(self.log.leaves[-1])
            self.log.leaves[-1] = json.dumps(leaf | {"cm": {"reason": "digest"}}, sort_keys=True).encode()

    def review(self, person: str, verdict: str = "approve", **d: Any) -> str:
        seen = d.pop("seen", None) or self.view(person)
        right = {"content": self.content, "seen": seen, "policy": POLICY, "round": self.round, "verdict": verdict}
        return self.do("reviewed", right | d, as_="person", sid=person)

    def review_for(self, person: str, delegator: str, given: str, verdict: str = "approve", **more: str) -> str:
        """A person rules in somebody's place."""
        d = {"content": self.content, "seen": self.view(person), "policy": POLICY, "round": self.round}
        d |= {"verdict": verdict, "delegation": given} | more
        return self.do("reviewed", d, as_="person", sid=person, for_=delegator)

    def resolve(self, outcome: str, *reviews: str, **d: Any) -> str:
        right = {"content": self.content, "policy": POLICY, "round": self.round, "rule": 1, "outcome": outcome}
        return self.do("resolved", right | ({"reviews": list(reviews)} if reviews else {}) | d)

    def quorum(self, outcome: str, *reviews: str, until: int = HOUR, **d: Any) -> int:
        end = self.log.at + until
        right = {"content": self.content, "policy": POLICY, "round": self.round, "outcome": outcome}
        self.do("quorum_met", right | {"reviews": list(reviews), "until": end} | d)
        return end

    def release(self, resolution: str, size: int | None = None) -> str:
        size = len(self.log.leaves) if size is None else size
        return self.do("released", {"channel": "poll", "resolution": resolution, "size": size}, as_="agent", sid=SYSTEM)

    def report(self, resolution: str, result: str = "executed", effect: str = "full") -> None:
        d = {"resolution": resolution, "result": result, "effect": effect}
        self.do("outcome_reported", d, as_="agent", sid=SYSTEM)

    def revoke(self, resolution: str, person: str = "sue") -> str:
        """Somebody takes the approval back; returns the resolution that says so."""
        self.do("revoked", {"code": "other", "resolution": resolution}, as_="person", sid=person)
        return self.resolve("revoked", cause="revocation")


    def override(self, resolution: str, person: str = "sue", **d: Any) -> str:
        """Somebody releases what a rule refused; returns the resolution that says so."""
        self.let_go(resolution, person, **d)
        return self.resolve("approved", cause="override")

    def let_go(self, resolution: str, person: str = "sue", as_: str = "person", **d: Any) -> str:
        seen = d.pop("seen", None) or self.view(person)
        right = {"code": "other", "resolution": resolution, "content": self.content, "policy": POLICY, "rule": 1}
        return self.do("overridden", right | {"seen": seen} | d, as_=as_, sid=person)

    def look(self, act: str, person: str = "ann", as_: str = "person", n: int = 1) -> None:
        """Another person looks at an act."""
        about = {"t": "post_review", "id": act, "n": n}
        actor = {"as": as_, "sid": person}
        self.log.add({"kind": "post_review.given", "obj": about, "d": {"result": "upheld"}, "actor": actor})


def granted(log: Log, uses: int = 1, requester: str = "ann", activator: str = "sue", hours: int = 24, **d: Any) -> str:
    """A grant that one person asked for and another one activated."""
    d = {"system": SYSTEM, "type": "t", "uses": uses, "seconds": hours * 3_600} | d
    log.act("grant", "grant-1", "grant.requested", d, as_="person", sid=requester)
    until = log.at + hours * HOUR
    log.act("grant", "grant-1", "grant.activated", {"until": until}, as_="person", sid=activator)
    return "grant-1"


def used(log: Log, decision: Decision, by: str, number: int = 1, **d: Any) -> str:
    """The grant approves a decision; returns the resolution."""
    log.act("grant", by, "grant.used", {"decision": decision.id, "number": number})
    return decision.resolve("approved", cause="grant", **({"grant": by} | d))


class Case(unittest.TestCase):
    def setUp(self) -> None:
        self.log = Log()

    def replayed(self) -> replay.Replay:
        with tempfile.TemporaryDirectory() as place:
            return replay.replay(self.log.write(Path(place)))

    def agrees(self, outcome: str) -> None:
        log = self.replayed()
        self.assertEqual([one.why for one in log.disagreements], [])
        self.assertEqual([one.outcome for one in log.decisions.values()], [outcome])

    def disagrees(self, why: str) -> None:
        found = [one.why for one in self.replayed().disagreements]
        self.assertTrue(any(why in one for one in found), f"{why!r} is not among {found}")


def sent(log: Log, count: int = 1, as_: str = "person", sid: str = "ann", **d: Any) -> str:
    """One ruling on several decisions; returns its id."""
    right = {"verdict": "approve", "code": "within_policy", "policy": POLICY, "count": count}
    log.act("bulk", "bulk-1", "bulk.started", right | d, as_=as_, sid=sid)
    return "bulk-1"


class Right(Case):
    def test_two_of_two_approve_and_the_agent_is_told_after_the_seal(self) -> None:
        decision = Decision(self.log)
        resolution = decision.resolve("approved", decision.review("ann"), decision.review("bob"))
        decision.release(resolution)
        decision.do("outcome_reported", {"resolution": resolution, "result": "executed"}, as_="agent", sid=SYSTEM)
        self.agrees("approved")

    def test_a_rejection_outweighs_approvals(self) -> None:
        decision = Decision(self.log, need=3)
        decision.review("ann")
        decision.resolve("rejected", decision.review("bob", "reject"))
        self.agrees("rejected")

    def test_fewer_rejections_than_it_takes_stand_against_nothing(self) -> None:
        decision = Decision(self.log, need=2, reject_threshold=2)
        decision.review("ann", "reject")
        decision.resolve("approved", decision.review("bob"), decision.review("cid"))
        self.agrees("approved")

    def test_as_many_rejections_as_it_takes_reject_it(self) -> None:
        decision = Decision(self.log, need=2, reject_threshold=2)
        decision.review("cid")
        decision.resolve("rejected", decision.review("ann", "reject"), decision.review("bob", "reject"))
        self.agrees("rejected")

    def test_a_rejection_whose_author_lost_the_right_is_void_and_no_longer_counts(self) -> None:
        decision = Decision(self.log, need=2, reject_threshold=2)
        lost = decision.review("ann", "reject")
        decision.review("bob", "reject")
        decision.do("review_voided", {"review": lost, "cause": "authority"})
        decision.resolve("approved", decision.review("cid"), decision.review("sue"))
        self.agrees("approved")

    def test_a_senior_approvers_seat_is_filled_in_their_place(self) -> None:
        given = self.log.give("sue", "ann", systems=[SYSTEM])
        decision = Decision(self.log, need=2, route="escalate")
        self.log.act("person", "tom", "role.assigned", {"role": replay.SENIOR_APPROVER, "assignment": "tom-senior"})
        decision.resolve("approved", decision.review_for("ann", "sue", given), decision.review("tom"))
        self.agrees("approved")

    def test_several_are_reviewed_in_somebodys_place_by_one_act(self) -> None:
        given, bulk = self.log.give("bob", "ann"), sent(self.log, count=1)
        decision = Decision(self.log, need=1)
        review = decision.review_for("ann", "bob", given, code="within_policy", bulk=bulk)
        decision.resolve("approved", review)
        self.agrees("approved")

    def test_what_was_given_ends_and_both_count_again(self) -> None:
        self.log.take_back("bob", self.log.give("bob", "ann"), by="ann")
        self.log.give("ann", "cid", systems=["system-9"])
        decision = Decision(self.log, need=3)
        decision.resolve("approved", *(decision.review(person) for person in ("ann", "bob", "cid")))
        self.agrees("approved")

    def test_silence_expires_at_the_deadline(self) -> None:
        decision = Decision(self.log)
        self.log.at = decision.due
        decision.resolve("expired", cause="deadline")
        self.agrees("expired")

    def test_the_deadline_hands_up_and_a_senior_approver_decides(self) -> None:
        decision = Decision(self.log, need=1)
        self.log.at = decision.due
        decision.do("escalated", {"need": 1, "due": decision.due + HOUR})
        decision.resolve("approved", decision.review("sue"))
        self.agrees("approved")

    def test_a_rule_approves_and_refuses(self) -> None:
        for route, outcome in (("auto_approve", "approved"), ("deny", "rejected")):
            self.log = Log()
            Decision(self.log, need=0, route=route).resolve(outcome, cause="rule")
            self.agrees(outcome)

    def test_another_version_routes_anew_and_given_reviews_count_on(self) -> None:
        decision = Decision(self.log, need=1)
        decision.do("routed", {"policy": "policy-2", "rule": 3, "route": "require", "need": 2, "due": decision.due})
        reviews = [decision.review(person, policy="policy-2") for person in ("ann", "bob")]
        decision.resolve("approved", *reviews, policy="policy-2", rule=3)
        self.agrees("approved")

    def test_a_window_passes_before_the_resolution(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        self.log.at = decision.quorum("approved", review)
        decision.resolve("approved", review)
        self.agrees("approved")

    def test_a_retracted_review_ends_the_window_and_its_person_rules_again(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        decision.quorum("approved", review)
        decision.do("review_retracted", {"review": review, "round": 1}, as_="person", sid="ann")
        decision.resolve("rejected", decision.review("ann", "reject"))
        self.agrees("rejected")

    def test_a_revision_opens_a_round_and_the_agent_may_withdraw(self) -> None:
        decision = Decision(self.log, need=1)
        decision.revise(decision.review("ann", "request_changes"))
        decision.review("ann", "abstain")
        decision.review("bob", "defer", until=self.log.at + HOUR)
        decision.do("withdrawn", {"code": "no_longer_needed"}, as_="agent", sid=SYSTEM)
        decision.do("resolved", {"content": decision.content, "outcome": "withdrawn", "cause": "requester"})
        self.agrees("withdrawn")

    def test_an_edit_opens_a_round_and_is_enough_at_low_risk(self) -> None:
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.edit("ann"))
        self.agrees("approved")

    def test_an_edit_at_higher_risk_is_void_and_somebody_else_approves_it(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.edit("ann", tier="medium")
        decision.do("review_voided", {"review": review, "cause": "revised"})
        decision.resolve("approved", decision.review("bob"))
        self.agrees("approved")

    def test_an_approval_is_revoked_before_it_was_told_or_after_it_ran(self) -> None:
        decision = Decision(self.log, need=1)
        decision.release(decision.revoke(decision.resolve("approved", decision.review("ann"))))
        self.agrees("revoked")
        self.log = Log()
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.release(resolution)
        decision.report(resolution)
        revoked = decision.revoke(resolution)
        decision.release(revoked)
        decision.report(revoked, "compensated")
        decision.do("compensated", {"result": "done"}, as_="person", sid="sue")
        self.agrees("revoked")

    def test_what_a_rule_refused_is_released_told_again_looked_at_and_revoked(self) -> None:
        decision = Decision(self.log, need=0, route="deny")
        refused = decision.resolve("rejected", cause="rule")
        decision.release(refused)
        act = decision.let_go(refused)
        resolution = decision.resolve("approved", cause="override")
        decision.release(resolution)
        decision.report(resolution)
        decision.look(act)
        decision.release(decision.revoke(resolution))
        self.agrees("revoked")
        self.log = Log()
        decision = Decision(self.log, need=0, route="deny")
        decision.release(decision.override(decision.resolve("rejected", cause="rule")))
        self.agrees("approved")

    def test_a_grant_approves_what_one_approver_would_be_asked_about(self) -> None:
        grant = granted(self.log)
        decision = Decision(self.log, need=1)
        resolution = used(self.log, decision, grant)
        self.log.act("grant", grant, "grant.exhausted", {})
        decision.release(resolution)
        self.agrees("approved")
        self.log = Log()
        grant = granted(self.log, uses=2)
        used(self.log, Decision(self.log, need=1), grant)
        self.log.act("grant", grant, "grant.revoked", {}, as_="person", sid="bob")
        self.agrees("approved")

    def test_a_pause_rejects_what_is_proposed_while_it_runs(self) -> None:
        self.log.act("system", SYSTEM, "system.paused", {}, as_="person", sid="ann")
        decision = Decision(self.log)
        decision.resolve("rejected", cause="pause")
        self.agrees("rejected")

    def test_who_owned_the_system_before_reviews(self) -> None:
        self.log.act("system", SYSTEM, "system.owner_named", {"owner": "ann"}, as_="person", sid="adm")
        self.log.act("system", SYSTEM, "system.owner_named", {}, as_="person", sid="adm")
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.review("ann"))
        self.agrees("approved")

    def test_a_review_escalates(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann", "escalate")
        decision.do("escalated", {"need": 1, "due": decision.due, "review": review})
        decision.resolve("approved", decision.review("sue"))
        self.agrees("approved")

    def test_comments_have_no_effect_before_the_resolution_or_after(self) -> None:
        decision = Decision(self.log)
        first = decision.review("ann")
        question = decision.do("commented", {"asks": "bob", "mentions": ["bob"]}, as_="person", sid="cid")
        resolution = decision.resolve("approved", first, decision.review("bob"))
        decision.do("commented", {"answers": question}, as_="person", sid="bob")
        decision.release(resolution)
        decision.do("commented", {}, as_="person", sid="sue")
        self.log.act("handover", "note-1", "handover.noted", {"until": HOUR}, as_="person", sid="ann")
        self.log.act("handover", "note-1", "handover.ended", {}, as_="person", sid="ann")
        self.agrees("approved")

    def test_the_deadline_reminds_of_what_is_open_and_nobody_else_does(self) -> None:
        decision = Decision(self.log)
        decision.do("reminded", {"share": 50, "due": decision.due, "invited": "bob"})
        decision.resolve("approved", decision.review("ann"), decision.review("bob"))
        self.agrees("approved")

    def test_reviews_by_those_who_hold_a_seat_which_is_given_up_taken_over_or_runs_out(self) -> None:
        decision = Decision(self.log)
        decision.end("ann", decision.take("ann"))
        ann, bob = decision.take("ann"), decision.take("bob")
        decision.end("cid", bob, "taken_over")
        cid = decision.take("cid")
        first = decision.review("ann")
        decision.take("bob", cid)
        decision.resolve("approved", first, decision.review("bob"))
        self.assertNotEqual(ann, bob)
        self.agrees("approved")

    def test_several_decisions_reviewed_by_one_act(self) -> None:
        bulk = sent(self.log, count=2)
        for id in ("decision-1", "decision-2"):
            decision = Decision(self.log, need=1, id=id)
            decision.resolve("approved", decision.review("ann", code="within_policy", bulk=bulk))
        log = self.replayed()
        self.assertEqual([one.why for one in log.disagreements], [])
        self.assertEqual([one.outcome for one in log.decisions.values()], ["approved", "approved"])

    def test_another_route_gives_every_seat_free(self) -> None:
        decision = Decision(self.log, need=1)
        decision.take("ann")
        self.log.at = decision.due
        decision.do("escalated", {"need": 1, "due": decision.due + HOUR})
        decision.take("sue")
        decision.resolve("approved", decision.review("sue"))
        self.agrees("approved")

    def test_what_is_not_understood_is_counted_and_not_judged(self) -> None:
        decision = Decision(self.log, need=1)
        decision.do("adjourned", {})
        decision.resolve("approved")
        Decision(self.log, id="decision-2").do("reviewed", {"verdict": "shrug"}, as_="person", sid="ann")
        log = self.replayed()
        self.assertEqual(log.disagreements, [])
        self.assertEqual(log.not_understood, {"decision.adjourned": 1, "verdict shrug": 1})
        self.assertIn("not judged 2", replay.report(log))

    def test_more_than_one_bundle_is_read_in_order(self) -> None:
        for number in range(120):
            decision = Decision(self.log, id=f"decision-{number}", need=1)
            decision.resolve("approved", decision.review("ann"))
        self.assertEqual(self.replayed().disagreements, [])


class Wrong(Case):
    def test_a_review_of_an_act_on_several_that_nobody_sent_or_was_sent_otherwise(self) -> None:
        decision = Decision(self.log, need=1)
        decision.review("ann", code="within_policy", bulk="bulk-2")
        self.disagrees("that nobody sent")
        for wrong in ({"verdict": "reject"}, {"code": "other"}, {"policy": "another"}):
            self.log = Log()
            bulk = sent(self.log)
            decision = Decision(self.log, need=1)
            decision.review("ann", **{"code": "within_policy", "bulk": bulk} | wrong)
            self.disagrees("of another person, ruling or policy")
        self.log = Log()
        bulk = sent(self.log)
        decision = Decision(self.log, need=1)
        decision.review("bob", code="within_policy", bulk=bulk)
        self.disagrees("of another person, ruling or policy")

    def test_an_act_on_several_of_too_many_of_others_or_with_another_ruling(self) -> None:
        for wrong, count in (({"verdict": "escalate"}, 1), ({}, 51), ({}, 0)):
            self.log = Log()
            sent(self.log, count, **wrong)
            self.disagrees("cannot be reviewed at once")
        self.log = Log()
        bulk = sent(self.log, count=1)
        for id in ("decision-1", "decision-2"):
            Decision(self.log, need=1, id=id).review("ann", code="within_policy", bulk=bulk)
        self.disagrees("is of others")
        self.log = Log()
        sent(self.log, as_="agent", sid=SYSTEM)
        self.disagrees("by no person")

    def test_a_person_who_reminds_is_found(self) -> None:
        decision = Decision(self.log)
        decision.do("reminded", {"share": 50, "due": decision.due}, as_="person", sid="ann")
        decision.resolve("approved", decision.review("ann"), decision.review("bob"))
        self.disagrees("somebody reminded people of it, and not the deadline")

    def test_a_review_by_somebody_who_holds_no_seat(self) -> None:
        decision = Decision(self.log)
        decision.take("ann")
        decision.review("bob")
        self.disagrees("had not started the review")

    def test_a_review_after_the_seat_was_given_up_taken_over_or_had_run_out(self) -> None:
        for ends in ("released", "taken_over", "lapsed", "reviewed", "rerouted"):
            self.log = Log()
            decision = Decision(self.log, need=1)
            lease = decision.take("ann")
            if ends == "released":
                decision.end("ann", lease)
            elif ends == "taken_over":
                decision.end("bob", lease, "taken_over")
            elif ends == "lapsed":
                decision.take("bob", lease)
            elif ends == "reviewed":
                decision.review("ann", "defer")
            else:
                decision.route()
            decision.review("ann")
            self.disagrees("had not started the review")

    def test_more_seats_taken_than_reviews_are_missing(self) -> None:
        decision = Decision(self.log, need=1)
        decision.take("ann")
        decision.take("bob")
        self.disagrees("1 of 1 were held")
        self.log = Log()
        decision = Decision(self.log)
        decision.take("ann")
        decision.review("ann")
        decision.take("bob")
        decision.take("cid")
        self.disagrees("1 of 1 were held")

    def test_a_seat_ended_twice_by_a_stranger_or_without_a_reason(self) -> None:
        decision = Decision(self.log, need=1)
        lease = decision.take("ann")
        decision.end("bob", lease)
        decision.end("ann", lease)
        decision.take("cid", lease)
        self.disagrees("given up by somebody else")
        self.disagrees("ended that was not held")
        self.disagrees("run out that was not held")
        self.log = Log()
        decision = Decision(self.log, need=1)
        taken = {"lease": decision.take("ann"), "cause": "taken_over"}
        decision.do("lease_ended", taken, as_="person", sid="bob")
        self.disagrees("without a reason")

    def test_a_seat_taken_after_the_resolution(self) -> None:
        decision = Decision(self.log, need=1)
        decision.take("ann")
        decision.resolve("approved", decision.review("ann"))
        decision.take("bob")
        self.disagrees("started after the resolution")

    def test_two_resolutions(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        decision.resolve("approved", review)
        decision.resolve("approved", review)
        self.disagrees("resolved twice")

    def test_one_human_counted_twice(self) -> None:
        decision = Decision(self.log)
        decision.resolve("approved", decision.review("ann"), decision.review("ann"))
        self.disagrees("stands already")
        self.disagrees("counts one person twice")

    def test_one_review_named_twice(self) -> None:
        decision = Decision(self.log)
        review = decision.review("ann")
        decision.resolve("approved", review, review)
        self.disagrees("counts one person twice")

    def test_a_content_that_the_reviewer_was_not_shown(self) -> None:
        decision = Decision(self.log, need=1)
        seen = decision.view("bob")
        decision.resolve("approved", decision.review("ann", seen=seen))
        self.disagrees("not shown to the reviewer before")

    def test_a_content_that_was_shown_too_late(self) -> None:
        decision = Decision(self.log, need=1)
        other = self.log.statement("seen", {"decision": decision.id, "content": decision.content, "to": "ann"})
        decision.resolve("approved", decision.review("ann", seen=other))
        decision.view("ann")
        self.disagrees("not shown to the reviewer before")

    def test_another_content_than_was_shown(self) -> None:
        decision = Decision(self.log, need=1)
        other = self.log.statement("content", {"decision": decision.id, "fields": {"amount": "x"}})
        decision.resolve("approved", decision.review("ann", seen=decision.view("ann", other)))
        self.disagrees("shown another content")

    def test_a_screen_of_another_decision(self) -> None:
        other, decision = Decision(self.log, id="other"), Decision(self.log, need=1)
        seen = self.log.statement("seen", {"decision": "other", "content": other.content, "to": "ann"})
        about = {"t": "decision", "id": decision.id, "upto": 2}
        actor = {"as": "person", "sid": "ann"}
        self.log.add({"kind": "decision.viewed", "obj": about, "d": {"seen": seen}, "actor": actor})
        decision.review("ann", seen=seen)
        self.disagrees("shown another content")

    def test_a_statement_that_is_missing(self) -> None:
        decision = Decision(self.log, need=1)
        seen = decision.view("ann")
        del self.log.statements[seen]
        decision.review("ann", seen=seen)
        self.disagrees("not in the export")

    def test_a_review_of_an_earlier_content(self) -> None:
        decision = Decision(self.log, need=1)
        seen, old = decision.view("ann"), decision.content
        decision.content = self.log.statement("content", {"decision": decision.id, "v": 2})
        decision.do("edited", {"from": old, "content": decision.content})
        decision.round = 2
        decision.review("ann", seen=seen, content=old)
        self.disagrees("a content that is not the decision's")

    def test_a_review_of_an_earlier_round_is_counted(self) -> None:
        decision = Decision(self.log, need=1)
        review, old = decision.review("ann"), decision.content
        decision.content = self.log.statement("content", {"decision": decision.id, "v": 2})
        decision.do("revised", {"from": old, "content": decision.content})
        decision.round = 2
        decision.resolve("approved", review)
        self.disagrees("no review of its round")

    def test_a_retracted_review_is_counted(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        decision.do("review_retracted", {"review": review, "round": 1}, as_="person", sid="ann")
        decision.resolve("approved", review)
        self.disagrees("retracted or voided")

    def test_a_voided_review_is_counted(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        decision.do("review_voided", {"review": review, "cause": "authority"})
        decision.resolve("approved", review)
        self.disagrees("retracted or voided")

    def test_a_review_is_retracted_by_somebody_else_or_too_late(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        decision.do("review_retracted", {"review": review, "round": 1}, as_="person", sid="bob")
        self.disagrees("somebody else than its author")
        self.log = Log()
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        decision.resolve("approved", review)
        decision.do("review_retracted", {"review": review, "round": 1}, as_="person", sid="ann")
        self.disagrees("after the resolution")

    def test_a_resolution_before_the_window_has_passed(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann")
        self.log.at = decision.quorum("approved", review) - 2 * replay.CLOCK_SLACK_MS
        decision.resolve("approved", review)
        self.disagrees("before the window")

    def test_a_resolution_of_other_reviews_than_the_quorum(self) -> None:
        decision = Decision(self.log, need=1)
        first = decision.review("ann")
        self.log.at = decision.quorum("approved", first)
        decision.resolve("approved", decision.review("bob"))
        self.disagrees("otherwise than its quorum was met")

    def test_a_quorum_that_is_not_met(self) -> None:
        decision = Decision(self.log, need=2)
        decision.quorum("approved", decision.review("ann"))
        self.disagrees("approved by 1 of 2")

    def test_a_release_before_the_seal(self) -> None:
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.release(resolution, size=len(self.log.leaves) - 1)
        self.disagrees("does not cover its resolution")

    def test_a_release_at_a_size_that_was_not_reached(self) -> None:
        decision = Decision(self.log, need=1)
        decision.release(decision.resolve("approved", decision.review("ann")), size=1_000)
        self.disagrees("does not cover its resolution")

    def test_a_release_of_another_resolution_or_to_another_system(self) -> None:
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.review("ann"))
        decision.release("entry-0")
        self.disagrees("another resolution")
        d = {"channel": "poll", "resolution": "entry-0", "size": len(self.log.leaves)}
        decision.do("released", d, as_="agent", sid="system-2")
        self.disagrees("another AI system")

    def test_an_outcome_before_the_release(self) -> None:
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.do("outcome_reported", {"resolution": resolution}, as_="agent", sid=SYSTEM)
        self.disagrees("before the release")

    def test_too_few_approvals(self) -> None:
        decision = Decision(self.log, need=3)
        decision.resolve("approved", decision.review("ann"), decision.review("bob"))
        self.disagrees("approved by 2 of 3")

    def test_an_approval_against_a_rejection(self) -> None:
        decision = Decision(self.log, need=1)
        decision.review("bob", "reject")
        decision.resolve("approved", decision.review("ann"))
        self.disagrees("against a rejection")
        self.disagrees("after a rejection that had not been resolved")

    def test_a_rejection_by_fewer_than_it_takes(self) -> None:
        decision = Decision(self.log, reject_threshold=2)
        decision.resolve("rejected", decision.review("ann", "reject"))
        self.disagrees("rejected by 1 of 2")

    def test_more_rejections_than_approvals_are_asked_for(self) -> None:
        Decision(self.log, need=2, reject_threshold=3)
        self.disagrees("more rejections than approvals")

    def test_a_version_that_is_content_with_fewer_rejections_is_passed_over(self) -> None:
        decision = Decision(self.log, need=2, reject_threshold=2)
        decision.review("ann", "reject")
        decision.do("routed", {"policy": "policy-2", "rule": 1, "route": "require", "need": 2, "due": decision.due})
        self.log.at = decision.due
        decision.resolve("expired", cause="deadline", policy="policy-2")
        self.disagrees("expired though enough people had rejected it")

    def test_a_rejection_that_is_left_behind(self) -> None:
        Decision(self.log).review("ann", "reject")
        self.disagrees("never followed by a resolution")

    def test_a_rejection_by_nobody(self) -> None:
        decision = Decision(self.log)
        decision.resolve("rejected", decision.review("ann"))
        self.disagrees("counts no rejection")

    def test_an_approver_decides_what_was_escalated(self) -> None:
        decision = Decision(self.log, need=1, route="escalate")
        decision.resolve("approved", decision.review("ann"))
        self.disagrees("approved by 0 of 1")

    def test_deadlines_that_had_not_come(self) -> None:
        decision = Decision(self.log)
        decision.do("escalated", {"need": 2, "due": decision.due + HOUR})
        self.disagrees("escalated by a deadline")
        decision.resolve("expired", cause="deadline")
        self.disagrees("expired before its deadline")

    def test_an_escalation_by_a_review_that_does_not_escalate_or_asks_for_fewer(self) -> None:
        decision = Decision(self.log)
        review = decision.review("ann")
        decision.do("escalated", {"need": 1, "due": decision.due, "review": review})
        self.disagrees("none of this round's that escalate")
        self.disagrees("fewer approvals")

    def test_a_rule_decides_what_it_routes_to_people(self) -> None:
        Decision(self.log).resolve("approved", cause="rule")
        self.disagrees("cannot make it approved")

    def test_people_decide_what_a_rule_refused(self) -> None:
        decision = Decision(self.log, need=0, route="deny")
        decision.resolve("approved", decision.review("ann"))
        self.disagrees("no people were asked")

    def test_a_reviewer_without_the_role_or_disabled(self) -> None:
        decision = Decision(self.log)
        taken = {"role": replay.APPROVER, "assignment": "ann-approver"}
        self.log.act("person", "ann", "role.unassigned", taken)
        decision.review("ann")
        self.disagrees("no role that reviews")
        self.log.act("person", "bob", "person.disabled", {})
        decision.review("bob")
        self.disagrees("was disabled")

    def test_a_withdrawal_by_another_system_or_by_nobody(self) -> None:
        decision = Decision(self.log)
        decision.do("withdrawn", {"code": "no_longer_needed"}, as_="agent", sid="system-2")
        self.disagrees("somebody else than its AI system")
        other = Decision(self.log, id="decision-2")
        other.do("resolved", {"content": other.content, "outcome": "withdrawn", "cause": "requester"})
        self.disagrees("did not withdraw it")

    def test_a_revision_that_nobody_asked_for_or_by_another_system(self) -> None:
        decision = Decision(self.log)
        decision.revise()
        self.disagrees("nobody had asked for a change")
        other = Decision(self.log, id="decision-2")
        asked = other.review("ann", "request_changes")
        before, content = other.version()
        other.do("revised", {"from": before, "content": content}, as_="agent", sid="system-2")
        other.begin(asked)
        self.disagrees("revised by somebody else")

    def test_a_review_while_the_agent_is_to_change_it(self) -> None:
        decision = Decision(self.log)
        decision.review("ann", "request_changes")
        decision.review("bob")
        self.disagrees("while its AI system was to change it")

    def test_a_review_of_what_stood_before_a_change_that_stands(self) -> None:
        decision = Decision(self.log)
        decision.review("bob")
        decision.revise(decision.review("ann", "request_changes"))
        self.disagrees("was not voided")

    def test_an_edit_that_no_review_approves(self) -> None:
        decision = Decision(self.log)
        before, content = decision.version()
        decision.do("edited", {"from": before, "content": content}, as_="person", sid="ann")
        self.disagrees("nobody whose review approved exactly these edits")

    def test_an_editor_who_reviews_their_own_edit(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.edit("ann", tier="medium")
        decision.do("review_voided", {"review": review, "cause": "revised"})
        decision.resolve("approved", decision.review("ann"))
        self.disagrees("who edited the content reviewed it")

    def test_an_editors_approval_that_is_not_enough(self) -> None:
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.edit("ann", tier="medium"))
        self.disagrees("is not enough for what was edited")

    def test_a_pause_that_does_not_run_and_what_must_wait_for_its_end(self) -> None:
        decision = Decision(self.log)
        decision.resolve("rejected", cause="pause")
        self.disagrees("while its AI system was not paused")
        other = Decision(self.log, id="decision-2", need=1)
        resolution = other.resolve("approved", other.review("ann"))
        self.log.act("system", SYSTEM, "system.paused", {}, as_="person", sid="ann")
        other.release(resolution)
        self.disagrees("was released while its AI system was paused")
        rule = Decision(self.log, id="decision-3", need=0, route="auto_approve")
        rule.resolve("approved", cause="rule")
        self.disagrees("a rule approved it while its AI system was paused")

    def test_a_review_by_who_owns_the_system(self) -> None:
        decision = Decision(self.log, need=1)
        first = decision.review("ann")
        self.log.act("system", SYSTEM, "system.owner_named", {"owner": "ann"}, as_="person", sid="adm")
        decision.resolve("approved", first)
        self.disagrees("a review of who owns the AI system by then")
        other = Decision(self.log, id="decision-2", need=1)
        other.review("ann", "abstain")
        self.disagrees("the reviewer owned the AI system that proposed it")

    def test_a_review_in_the_place_of_who_owns_the_system(self) -> None:
        given = self.log.give("bob", "ann")
        decision = Decision(self.log, need=1)
        first = decision.review_for("ann", "bob", given)
        self.log.act("system", SYSTEM, "system.owner_named", {"owner": "bob"}, as_="person", sid="adm")
        decision.resolve("approved", first)
        self.disagrees("a review of who owns the AI system by then")
        other = Decision(self.log, id="decision-2", need=1)
        other.review_for("ann", "bob", given, "abstain")
        self.disagrees("the reviewer owned the AI system that proposed it")

    def test_a_revocation_of_what_was_not_approved_or_twice(self) -> None:
        decision = Decision(self.log, need=1)
        decision.revoke(decision.resolve("rejected", decision.review("ann", "reject")))
        self.disagrees("it was revoked and is not approved")
        self.log = Log()
        Decision(self.log).do("revoked", {"code": "other", "resolution": "entry-9"}, as_="person", sid="sue")
        self.disagrees("it was revoked and is not approved")
        self.log = Log()
        decision = Decision(self.log, need=1)
        revoked = decision.revoke(decision.resolve("approved", decision.review("ann")))
        decision.revoke(revoked)
        self.disagrees("it was revoked and is not approved")
        self.disagrees("nobody revoked an approval")

    def test_a_revocation_by_nobody_or_by_who_may_not(self) -> None:
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.review("ann"))
        decision.resolve("revoked", cause="revocation")
        self.disagrees("nobody revoked an approval")
        self.log = Log()
        decision = Decision(self.log, need=1)
        decision.revoke(decision.resolve("approved", decision.review("ann")), person="bob")
        self.disagrees("no senior approver of its AI system")
        self.log = Log()
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        self.log.act("person", "sue", "person.disabled", {})
        decision.revoke(resolution)
        self.disagrees("no senior approver of its AI system")
        self.log = Log()
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.do("revoked", {"code": "other", "resolution": resolution}, as_="agent", sid=SYSTEM)
        self.disagrees("no person revoked it")

    def test_a_revocation_that_is_left_alone_or_of_another_content_or_resolution(self) -> None:
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.do("revoked", {"code": "other", "resolution": "entry-1"}, as_="person", sid="sue")
        self.disagrees("names another resolution")
        self.disagrees("a revocation was never followed by its resolution")
        decision.resolve("revoked", cause="revocation", content="other")
        self.disagrees("another content is revoked")
        decision.release(resolution)
        self.disagrees("names another resolution")

    def test_making_good_what_was_not_revoked_or_did_nothing(self) -> None:
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.release(resolution)
        decision.report(resolution)
        decision.do("compensated", {"result": "done"}, as_="person", sid="sue")
        self.disagrees("was not revoked, or did nothing")
        self.log = Log()
        decision = Decision(self.log, need=1)
        resolution = decision.resolve("approved", decision.review("ann"))
        decision.release(resolution)
        decision.report(resolution, "not_executed", "none")
        decision.revoke(resolution)
        decision.do("compensated", {"result": "done"}, as_="agent", sid=SYSTEM)
        self.disagrees("was not revoked, or did nothing")
        self.disagrees("no person says what was done")

    def test_an_override_of_what_no_rule_refused_or_twice(self) -> None:
        decision = Decision(self.log, need=1)
        decision.override(decision.resolve("rejected", decision.review("ann", "reject")))
        self.disagrees("it was overridden and no rule had refused it")
        self.log = Log()
        self.log.act("system", SYSTEM, "system.paused", {}, as_="person", sid="ann")
        decision = Decision(self.log)
        decision.override(decision.resolve("rejected", cause="pause"))
        self.disagrees("it was overridden and no rule had refused it")
        self.disagrees("it was overridden while its AI system was paused")
        self.log = Log()
        decision = Decision(self.log, need=0, route="deny")
        decision.override(decision.override(decision.resolve("rejected", cause="rule")))
        self.disagrees("it was overridden and no rule had refused it")
        self.disagrees("nobody overrode a refusal")

    def test_an_override_by_nobody_or_by_who_may_not_or_was_not_shown_it(self) -> None:
        decision = Decision(self.log, need=0, route="deny")
        decision.resolve("rejected", cause="rule")
        decision.resolve("approved", cause="override")
        self.disagrees("nobody overrode a refusal")
        self.log = Log()
        decision = Decision(self.log, need=0, route="deny")
        decision.override(decision.resolve("rejected", cause="rule"), person="bob")
        self.disagrees("who overrode it was no senior approver")
        self.log = Log()
        decision = Decision(self.log, need=0, route="deny")
        resolution = decision.resolve("rejected", cause="rule")
        decision.override(resolution, seen=decision.view("bob"))
        self.disagrees("was not shown to the reviewer before")
        self.log = Log()
        decision = Decision(self.log, need=0, route="deny")
        decision.let_go(decision.resolve("rejected", cause="rule"), as_="agent")
        self.disagrees("no person overrode it")
        self.disagrees("an override was never followed by its resolution")

    def test_an_override_of_another_content_rule_or_resolution_and_one_that_rejects(self) -> None:
        decision = Decision(self.log, need=0, route="deny")
        decision.resolve("rejected", cause="rule")
        decision.let_go("entry-1", content="other", rule=2)
        self.disagrees("names another resolution")
        self.disagrees("another content is overridden")
        self.disagrees("another rule is overridden")
        decision.resolve("rejected", cause="override")
        self.disagrees("an override approves and counts no reviews")

    def test_an_override_told_while_the_system_is_paused(self) -> None:
        decision = Decision(self.log, need=0, route="deny")
        refused = decision.resolve("rejected", cause="rule")
        decision.release(refused)
        resolution = decision.override(refused)
        self.log.act("system", SYSTEM, "system.paused", {}, as_="person", sid="ann")
        decision.release(resolution)
        self.disagrees("was released while its AI system was paused")

    def test_a_look_by_who_acted_by_no_person_or_a_second_time(self) -> None:
        decision = Decision(self.log, need=0, route="deny")
        act = decision.let_go(decision.resolve("rejected", cause="rule"))
        decision.resolve("approved", cause="override")
        decision.look(act, "sue")
        self.disagrees("who acted looked at it themselves")
        decision.look(act, "ann", n=2)
        self.disagrees("was looked at before")
        self.log = Log()
        decision = Decision(self.log, need=0, route="deny")
        act = decision.let_go(decision.resolve("rejected", cause="rule"))
        decision.resolve("approved", cause="override")
        decision.look(act, SYSTEM, as_="agent")
        self.disagrees("no person looked at it")

    def test_a_comment_by_the_agent_or_an_answer_by_another_than_was_asked(self) -> None:
        Decision(self.log).do("commented", {}, as_="agent", sid=SYSTEM)
        self.disagrees("no person commented on it")
        self.log = Log()
        decision = Decision(self.log)
        question = decision.do("commented", {"asks": "bob"}, as_="person", sid="cid")
        decision.do("commented", {"answers": question}, as_="person", sid="ann")
        self.disagrees("a comment answers no question that waits for this person")
        self.log = Log()
        decision = Decision(self.log)
        question = decision.do("commented", {"asks": "bob"}, as_="person", sid="cid")
        decision.do("commented", {"answers": question}, as_="person", sid="bob")
        decision.do("commented", {"answers": question}, as_="person", sid="bob")
        self.disagrees("a comment answers no question that waits for this person")

    def test_another_policy_round_row_or_number(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.review("ann", policy="policy-0", round=2)
        self.log.numbers[decision.id] += 1
        decision.resolve("approved", review, rule=9, policy="policy-0")
        for why in ("another policy version", "of round 2", "another policy is", "another row", "has number 5"):
            self.disagrees(why)

    def test_a_review_in_a_place_that_was_not_given(self) -> None:
        def run(why: str, **d: Any) -> None:
            self.log = Log()
            given = self.log.give("bob", "ann", **d)
            Decision(self.log).review_for("ann", "bob", given)
            self.disagrees(why)

        run("given no such right", to="cid")
        run("did not run", until=self.log.at - 60_000, **{"from": 0})
        run("does not cover this AI system", systems=["system-9"])
        self.log = Log()
        self.log.act("person", "dan", "role.assigned", {"role": "viewer", "assignment": "dan-viewer"})
        Decision(self.log).review_for("ann", "dan", self.log.give("dan", "ann"))
        self.disagrees("the reviewer held no role that reviews")
        self.log = Log()
        Decision(self.log).review_for("dan", "bob", self.log.give("bob", "dan"))
        self.disagrees("who reviewed in somebody's place held no role that reviews")
        self.log = Log()
        given = self.log.give("bob", "ann")
        self.log.act("person", "bob", "person.disabled", {})
        Decision(self.log).review_for("ann", "bob", given)
        self.disagrees("in whose place it was reviewed, was disabled")
        self.log = Log()
        Decision(self.log).review("ann", delegation=self.log.give("bob", "ann"))
        self.disagrees("nobody in whose place")

    def test_delegator_and_delegate_both_count(self) -> None:
        for second in ("ann", "bob"):
            self.log = Log()
            decision = Decision(self.log)
            given = self.log.give("bob", "ann")
            first = decision.review_for("ann", "bob", given)
            decision.resolve("approved", first, decision.review(second))
            self.disagrees("it counts one person twice")
            self.disagrees("one person has two parts")
        for first, second in (("ann", "bob"), ("bob", "ann")):
            self.log = Log()
            decision = Decision(self.log)
            self.log.give("bob", "ann")
            decision.review(first)
            decision.review(second)
            self.disagrees("delegator and delegate both reviewed it")

    def test_who_wrote_it_or_had_it_written_rules_on_it(self) -> None:
        decision = Decision(self.log, need=1)
        review = decision.edit("ann", tier="medium")
        decision.do("review_voided", {"review": review, "cause": "revised"})
        decision.review_for("cid", "ann", self.log.give("ann", "cid"))
        self.disagrees("who edited the content reviewed it")

    def test_a_right_that_is_passed_on_or_given_or_ended_by_another(self) -> None:
        for first, second in ((("bob", "ann"), ("ann", "cid")), (("ann", "cid"), ("bob", "ann"))):
            self.log = Log()
            self.log.give(*first)
            self.log.give(*second)
            self.disagrees("was passed on")
        self.log = Log()
        self.log.give("bob", "ann", by="cid")
        self.disagrees("given by another than its owner")
        self.log = Log()
        self.log.take_back("bob", self.log.give("bob", "ann"), by="cid")
        self.disagrees("ended by neither of its two people")
        self.log = Log()
        self.log.take_back("bob", "entry-0", by="bob")
        self.disagrees("ended that did not run")

    def test_an_entry_that_lacks_a_member(self) -> None:
        Decision(self.log).do("reviewed", {"verdict": "approve"}, as_="person", sid="ann")
        self.disagrees("lacks 'policy'")

    def test_acts_before_the_proposal_and_a_second_proposal(self) -> None:
        self.log.act("decision", "decision-9", "decision.reviewed", {})
        self.disagrees("before it was proposed")
        decision = Decision(self.log)
        decision.do("proposed", {"content": decision.content}, as_="agent", sid=SYSTEM)
        self.disagrees("proposed twice")

    def test_the_command_tells_and_fails(self) -> None:
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.review("ann"))
        decision.resolve("approved", decision.review("bob"))
        with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()) as said:
            code = replay.main([str(self.log.write(Path(place)))])
        self.assertEqual(code, 1)
        self.assertIn("resolved twice: approved, then approved", said.getvalue())

    def test_a_directory_that_is_no_export_or_was_changed(self) -> None:
        decision = Decision(self.log, need=1)
        decision.resolve("approved", decision.review("ann"))
        with tempfile.TemporaryDirectory() as place, contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(replay.main([place]), 2)
            self.assertIn("has no checkpoint", said.getvalue())
            export = self.log.write(Path(place))
            self.log.leaves[3] = self.log.leaves[3].replace(b"sue", b"eve")
            (path,) = export.glob("tile/entries/000.p/*")
            path.write_bytes(b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in self.log.leaves))
            self.assertEqual(replay.main([place]), 2)
            self.assertIn("not those that the checkpoint was signed over", said.getvalue())
            path.write_bytes(b"")
            self.assertEqual(replay.main([place]), 2)
            self.assertIn("the bundles hold 0 entries", said.getvalue())


class WrongGrants(Case):
    def test_who_asked_or_has_no_right_activates_it(self) -> None:
        granted(self.log, requester="sue")
        self.disagrees("who asked for a grant activated it")
        self.log = Log()
        granted(self.log, activator="bob")
        self.disagrees("may activate none for its AI system")
        self.log = Log()
        granted(self.log, uses=501)
        self.disagrees("more uses or more time")
        self.log = Log()
        granted(self.log, hours=169)
        self.disagrees("more uses or more time")

    def test_it_is_used_once_too_often_too_late_or_elsewhere(self) -> None:
        grant = granted(self.log)
        used(self.log, Decision(self.log, need=1), grant)
        used(self.log, Decision(self.log, need=1, id="decision-2"), grant, number=2)
        self.disagrees("more often than it may be")
        self.log = Log()
        grant = granted(self.log)
        self.log.at += 25 * HOUR
        used(self.log, Decision(self.log, need=1), grant)
        self.disagrees("after its time")
        for wrong in ({"system": "system-2"}, {"type": "u"}):
            self.log = Log()
            used(self.log, Decision(self.log, need=1), granted(self.log, **wrong))
            self.disagrees("another AI system or decision type")

    def test_it_is_used_for_what_no_grant_approves(self) -> None:
        used(self.log, Decision(self.log, need=2), granted(self.log))
        self.disagrees("what it never approves")
        self.log = Log()
        used(self.log, Decision(self.log, need=1, route="deny"), granted(self.log))
        self.disagrees("what it never approves")

    def test_it_was_not_active_or_not_used_or_another_is_named(self) -> None:
        grant = granted(self.log)
        self.log.act("grant", grant, "grant.revoked", {}, as_="person", sid="bob")
        used(self.log, Decision(self.log, need=1), grant)
        self.disagrees("grant.used while the grant was revoked")
        self.log = Log()
        Decision(self.log, need=1).resolve("approved", cause="grant", grant=granted(self.log))
        self.disagrees("a grant that was not used for it")
        self.log = Log()
        used(self.log, Decision(self.log, need=1), granted(self.log), grant="grant-2")
        self.disagrees("a grant that was not used for it")
        self.log = Log()
        grant = granted(self.log, uses=2)
        self.log.act("grant", grant, "grant.exhausted", {})
        self.disagrees("has uses left")

    def test_it_approves_while_its_system_is_paused(self) -> None:
        grant, decision = granted(self.log), Decision(self.log, need=1)
        self.log.act("system", SYSTEM, "system.paused", {}, as_="person", sid="ann")
        used(self.log, decision, grant)
        self.disagrees("a grant approved it while its AI system was paused")

if __name__ == "__main__":
    unittest.main(verbosity=2)
