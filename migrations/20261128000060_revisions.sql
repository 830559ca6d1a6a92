-- Versions of a decision's content by the agent or a reviewer, and proposals that were taken back.

alter table decisions
  -- The entry that holds the running version's content, where it is not the proposal.
  add column revised_entry_id uuid references ledger_entries (id);

alter table revisions
  -- What made the version, and who, where a person did.
  add column kind text not null default 'decision.proposed',
  add column person_id uuid references people (id),
  add constraint revisions_kind_check check (kind in ('decision.proposed', 'decision.revised', 'decision.edited')),
  add constraint revisions_first_check check ((kind = 'decision.proposed') = (number = 1)),
  add constraint revisions_person_check check ((kind = 'decision.edited') = (person_id is not null));

create table withdrawals (
  decision_id uuid primary key references decisions (id),
  code text not null,
  withdrawn_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint withdrawals_code_check check (code in ('no_longer_needed')),
  constraint withdrawals_entry_id_key unique (entry_id)
);

grant select, insert on withdrawals to countersign_app;
grant update (revised_entry_id, same_content, second_act, amount, agent_key_id, about_persons) on decisions to countersign_app;
