-- Seven roles, each assignment with scope, limits, end and source; changes that wait for a second person.

alter table role_assignments drop constraint role_assignments_role_check;
alter table role_assignments add constraint role_assignments_role_check check (role in
  ('viewer', 'approver', 'senior_approver', 'policy_author', 'admin', 'compliance_officer', 'auditor'));
-- No list means no bound: every system, every decision type.
alter table role_assignments
  add column systems uuid[],
  add column types text[],
  add column risk_max text,
  add column amount_max bigint,
  add column until timestamptz,
  add column source text collate "C" not null default 'hand',
  add column scope_key text collate "C" not null default 'all;;;',
  add constraint role_assignments_risk_max_check check (risk_max in ('low', 'medium', 'high')),
  add constraint role_assignments_systems_check check (cardinality(systems) > 0),
  add constraint role_assignments_types_check check (cardinality(types) > 0);
drop index role_assignments_held_key;
create unique index role_assignments_held_key on role_assignments (person_id, role, source, scope_key) where ended_at is null;
create index role_assignments_until_idx on role_assignments (until) where ended_at is null and until is not null;
create index role_assignments_person_idx on role_assignments (person_id, assigned_at);

-- One row: whoever may take away the last admin locks it first, and the switch of teams of one is in it.
create table safeguards (
  id boolean primary key default true,
  single_operator boolean not null default false,
  constraint safeguards_one_check check (id)
);
insert into safeguards default values;

create table changes (
  id uuid primary key,
  n bigint not null,
  kind text not null,
  body text not null,
  digest bytea not null,
  subject_id uuid references people (id),
  requested_by uuid not null references people (id),
  requested_at timestamptz not null,
  expires_at timestamptz not null,
  state text not null,
  decided_by uuid references people (id),
  decided_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  decided_entry_id uuid references ledger_entries (id),
  constraint changes_state_check check (state in ('waiting', 'confirmed', 'refused', 'withdrawn', 'lapsed')),
  constraint changes_decided_check check ((state = 'waiting') = (decided_entry_id is null)),
  constraint changes_second_person_check check (state <> 'confirmed' or decided_by <> requested_by),
  constraint changes_entry_id_key unique (entry_id)
);
create index changes_waiting_idx on changes (expires_at) where state = 'waiting';
-- The same change waits once.
create unique index changes_waiting_key on changes (digest) where state = 'waiting';

-- Who made a key never reviews what it proposes; absent where the operator's command did.
alter table agent_keys add column issued_by uuid references people (id);
-- What authority limits compare; absent where the type has no amount.
alter table decisions add column amount bigint;

-- Masked fields that somebody opened with a reason, for one sign-in and a short time.
create table openings (
  id uuid primary key,
  decision_id uuid not null references decisions (id),
  person_id uuid not null references people (id),
  session_id uuid not null references sessions (id),
  field text collate "C" not null,
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint openings_entry_id_key unique (entry_id)
);
create index openings_session_idx on openings (session_id, decision_id, expires_at);
grant select, insert on openings to countersign_app;

grant select, insert on changes to countersign_app;
grant update (n, state, decided_by, decided_at, decided_entry_id) on changes to countersign_app;
grant select on safeguards to countersign_app;
grant update (single_operator) on safeguards to countersign_app;
