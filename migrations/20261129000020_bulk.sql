-- Several decisions reviewed by one act.

-- A page of several decisions issues one presentation for each of them, under one id. `unopened` says that the decision is
-- unlike the others and that the page did not show all of it: no form is taken from such a page.
alter table presentations add column bulk_id uuid;
alter table presentations add column unopened boolean not null default false;
create index presentations_bulk_idx on presentations (bulk_id) where bulk_id is not null;

-- What a page's form began; it has the page's id, so that a form counts once. The reason is in the vault, under the entry
-- of each review.
create table bulk_runs (
  id uuid primary key,
  person_id uuid not null references people (id),
  session_id uuid not null references sessions (id),
  verdict text not null,
  code text not null,
  -- The version that routed the decisions when the page was shown.
  policy_version_id uuid not null references policy_versions (id),
  started_at timestamptz not null,
  finished_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint bulk_runs_entry_id_key unique (entry_id),
  constraint bulk_runs_verdict_check check (verdict in ('approve', 'reject'))
);
create index bulk_runs_person_idx on bulk_runs (person_id, started_at);

-- The decisions of a run. What was reviewed is in `reviews`, by the presentation; here stands why another was not.
create table bulk_items (
  run_id uuid not null references bulk_runs (id),
  place int not null,
  decision_id uuid not null references decisions (id),
  presentation_id uuid not null references presentations (id),
  result text,
  code text,
  detail text,
  -- Who was there first, or holds the review.
  by_person_id uuid references people (id),
  ended_at timestamptz,
  primary key (run_id, place),
  constraint bulk_items_decision_id_key unique (run_id, decision_id),
  constraint bulk_items_presentation_id_key unique (presentation_id),
  constraint bulk_items_result_check check (result in ('conflict', 'not_allowed', 'not_done')),
  constraint bulk_items_ended_check check (
    num_nulls(result, code, detail, ended_at) in (0, 4) and (by_person_id is null or result is not null))
);

grant select, insert on bulk_runs, bulk_items to countersign_app;
grant update (finished_at) on bulk_runs to countersign_app;
grant update (result, code, detail, by_person_id, ended_at) on bulk_items to countersign_app;
