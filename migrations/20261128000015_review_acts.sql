-- Seven verdicts, reviews that are taken back or void, and the time in which they may be.

alter table decisions
  -- What people decided and when it is final, while a review may be taken back.
  add column settles_as text,
  add column settles_at timestamptz,
  drop constraint decisions_state_check,
  add constraint decisions_state_check check (state in
    ('received', 'queued', 'in_review', 'changes_requested', 'settling', 'resolved', 'released', 'closed')),
  add constraint decisions_settling_check check ((state = 'settling') = (settles_as is not null and settles_at is not null));

drop index decisions_open_idx, decisions_same_open_idx, decisions_same_open_key;
create index decisions_open_idx on decisions (due_at, id)
  where state in ('received', 'queued', 'in_review', 'changes_requested', 'settling');
create index decisions_same_open_idx on decisions (system_id, same_content)
  where state in ('received', 'queued', 'in_review', 'changes_requested', 'settling');
create unique index decisions_same_open_key on decisions (system_id, same_content)
  where state in ('received', 'queued', 'in_review', 'changes_requested', 'settling') and not second_act;
create index decisions_settling_idx on decisions (settles_at) where state = 'settling';

alter table reviews
  -- When somebody who put it off comes back to it.
  add column follow_up_at timestamptz,
  -- When it stopped to count, and the entry that says so.
  add column ended_at timestamptz,
  add column ended_entry_id uuid references ledger_entries (id),
  drop constraint reviews_verdict_check,
  add constraint reviews_verdict_check check (verdict in
    ('approve', 'approve_with_edits', 'request_changes', 'escalate', 'reject', 'abstain', 'defer')),
  add constraint reviews_follow_up_check check ((verdict = 'defer') = (follow_up_at is not null)),
  add constraint reviews_ended_check check ((state = 'submitted') = (ended_entry_id is null)),
  add constraint reviews_ended_entry_id_key unique (ended_entry_id);
-- Last wall: one human, one review that decides per round; who puts it off or takes a review back may review again.
drop index reviews_decision_id_round_person_id_key;
create unique index reviews_decision_id_round_person_id_key on reviews (decision_id, round, person_id)
  where state = 'submitted' and verdict in ('approve', 'approve_with_edits', 'reject');

-- Every time that people had decided; taken back, it may happen again.
create table quorums_met (
  entry_id uuid primary key references ledger_entries (id),
  decision_id uuid not null references decisions (id),
  round int not null,
  outcome text not null,
  reviews int not null,
  until_at timestamptz not null,
  constraint quorums_met_outcome_check check (outcome in ('approved', 'rejected'))
);
create index quorums_met_decision_idx on quorums_met (decision_id);

-- The review that handed a decision to the senior approvers, where the deadline did not.
alter table decision_routes add column review_entry_id uuid references ledger_entries (id);

alter table resolutions
  drop constraint resolutions_outcome_check,
  add constraint resolutions_outcome_check check (outcome in ('approved', 'rejected', 'expired', 'withdrawn')),
  drop constraint resolutions_cause_check,
  add constraint resolutions_cause_check check (cause in ('rule', 'requester'));

grant select, insert on quorums_met to countersign_app;
grant update (settles_as, settles_at) on decisions to countersign_app;
grant update (ended_at, ended_entry_id) on reviews to countersign_app;
