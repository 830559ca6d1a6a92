-- Who read what; keys with two secrets and networks; access of outside auditors; reviews of assignments.

-- The access log: reads, searches, exports and refusals, newest first.
create index ledger_index_access_idx on ledger_index (log_id, idx)
  where kind like 'access.%' or kind in ('decision.viewed', 'auth.failed');
create index ledger_index_sid_idx on ledger_index (sid, idx) where sid is not null;

create table audit_windows (
  id uuid primary key,
  n bigint not null,
  name text not null,
  person_id uuid not null references people (id),
  systems uuid[] not null default '{}',
  from_at timestamptz not null,
  until_at timestamptz not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  -- Whether the auditor has been given the role.
  begun boolean not null,
  entry_id uuid not null references ledger_entries (id),
  constraint audit_windows_entry_id_key unique (entry_id),
  constraint audit_windows_dates_check check (from_at < until_at)
);
create index audit_windows_person_idx on audit_windows (person_id, until_at);

-- A key belongs to a system or, as the token of an auditor, to a window.
alter table agent_keys
  alter column system_id drop not null,
  add column window_id uuid references audit_windows (id),
  add column networks text[] not null default '{}',
  add column former_hash bytea,
  add column former_until timestamptz,
  add constraint agent_keys_owner_check check (num_nonnulls(system_id, window_id) = 1),
  add constraint agent_keys_former_check check ((former_hash is null) = (former_until is null));
create index agent_keys_window_idx on agent_keys (window_id) where window_id is not null;

create table access_reviews (
  id uuid primary key,
  n bigint not null,
  started_by uuid not null references people (id),
  started_at timestamptz not null,
  due_at timestamptz not null,
  grace_at timestamptz not null,
  snapshot bytea not null references statements (digest),
  completed_at timestamptz,
  result bytea references statements (digest),
  entry_id uuid not null references ledger_entries (id),
  constraint access_reviews_entry_id_key unique (entry_id),
  constraint access_reviews_dates_check check (started_at < due_at and due_at <= grace_at)
);
create unique index access_reviews_running_key on access_reviews ((true)) where completed_at is null;

create table access_review_items (
  review_id uuid not null references access_reviews (id),
  assignment_id uuid not null references role_assignments (id),
  person_id uuid not null references people (id),
  role text not null,
  answer text,
  answered_by uuid references people (id),
  answered_at timestamptz,
  entry_id uuid references ledger_entries (id),
  constraint access_review_items_pkey primary key (review_id, assignment_id),
  constraint access_review_items_answer_check check (answer in ('keep', 'change', 'revoke', 'suspend')),
  constraint access_review_items_answered_check check ((answer is null) = (answered_at is null) and (answer is null) = (entry_id is null)),
  constraint access_review_items_entry_id_key unique (entry_id),
  constraint access_review_items_subject_check check (answered_by is distinct from person_id)
);

grant select, insert on audit_windows, access_reviews, access_review_items to countersign_app;
grant update (n, closed_at, begun) on audit_windows to countersign_app;
grant update (n, completed_at, result) on access_reviews to countersign_app;
grant update (answer, answered_by, answered_at, entry_id) on access_review_items to countersign_app;
grant update (secret_hash, former_hash, former_until) on agent_keys to countersign_app;
