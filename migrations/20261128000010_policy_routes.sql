-- Routes by rows of a table: what decided, which guards stepped in, who fills the seats; drafts of policy versions.

alter table decisions
  add column route text not null default 'require',
  add column guards text[] not null default '{}',
  -- It names persons as affected.
  add column about_persons boolean not null default true,
  -- When the deadline handed it to the senior approvers.
  add column escalated_at timestamptz,
  -- The newest policy version that was asked about it; the stricter route won, so it need not be the one that routed.
  add column asked_version_id uuid references policy_versions (id),
  add constraint decisions_route_check check (route in ('auto_approve', 'require', 'deny', 'escalate'));
update decisions set asked_version_id = policy_version_id;
alter table decisions alter column asked_version_id set not null;
create index decisions_asked_version_idx on decisions (asked_version_id) where state in ('received', 'queued', 'in_review');

-- Every route that a decision took: by its table, again by another version, handed up by its deadline.
create table decision_routes (
  entry_id uuid primary key references ledger_entries (id),
  decision_id uuid not null references decisions (id),
  n bigint not null,
  kind text not null,
  policy_version_id uuid not null references policy_versions (id),
  rule int not null,
  route text not null,
  guards text[] not null,
  need int not null,
  due_at timestamptz not null,
  constraint decision_routes_n_key unique (decision_id, n),
  constraint decision_routes_kind_check check (kind in ('decision.routed', 'decision.escalated'))
);
insert into decision_routes (entry_id, decision_id, n, kind, policy_version_id, rule, route, guards, need, due_at)
select e.id, d.id, 2, 'decision.routed', d.policy_version_id, d.rule, d.route, d.guards, d.need, d.due_at
from (
  select id, convert_from(bytes, 'UTF8')::jsonb as leaf
  from ledger_entries
  where position('"kind":"decision.routed"'::bytea in bytes) > 0
) e
join decisions d on d.id = (e.leaf #>> '{obj,id}')::uuid;

-- Whether the reviewer was a senior approver for the decision when they ruled: seats of seniors are filled by those.
alter table reviews add column senior boolean not null default false;

-- What decided where no person and no deadline did.
alter table resolutions
  add column cause text,
  add constraint resolutions_cause_check check (cause in ('rule'));

-- Tables under work. One becomes a version when a second person puts it in force.
create table policy_drafts (
  id uuid primary key,
  policy_id uuid not null references policies (id),
  body text not null,
  -- Counts saves, so that one save does not undo another.
  saved int not null,
  state text not null,
  author_id uuid not null references people (id),
  saved_at timestamptz not null,
  decided_at timestamptz,
  decided_by uuid references people (id),
  -- The entry whose vault holds the author's reason, and that of a rejection.
  submitted_entry_id uuid references ledger_entries (id),
  decided_entry_id uuid references ledger_entries (id),
  n bigint not null,
  constraint policy_drafts_state_check check (state in ('draft', 'in_review', 'rejected', 'activated', 'discarded')),
  constraint policy_drafts_decided_check check ((state in ('rejected', 'activated', 'discarded')) = (decided_at is not null))
);
create index policy_drafts_open_idx on policy_drafts (policy_id, saved_at) where state in ('draft', 'in_review');

-- Everybody who wrote into a draft; none of them puts it in force.
create table policy_draft_authors (
  draft_id uuid not null references policy_drafts (id),
  person_id uuid not null references people (id),
  constraint policy_draft_authors_pkey primary key (draft_id, person_id)
);

-- Above this amount no rule approves by itself, in whole units of the type's amount.
alter table safeguards add column auto_amount_max bigint not null default 10000;

grant select, insert on decision_routes, policy_drafts, policy_draft_authors to countersign_app;
grant update (body, saved, state, saved_at, author_id, decided_at, decided_by, submitted_entry_id, decided_entry_id, n)
  on policy_drafts to countersign_app;
grant update (policy_version_id, rule, route, guards, escalated_at, asked_version_id, on_timeout, risk) on decisions to countersign_app;
grant update (auto_amount_max) on safeguards to countersign_app;
