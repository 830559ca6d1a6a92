-- People, their roles and sign-ins; systems and their keys.
-- Names and sign-in names are in the vault; `login_lookup` finds an account without making the name readable.

create table people (
  id uuid primary key,
  n bigint not null,
  login_lookup bytea not null,
  password_hash text,
  created_at timestamptz not null,
  disabled_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint people_login_lookup_key unique (login_lookup),
  constraint people_entry_id_key unique (entry_id)
);

create table role_assignments (
  id uuid primary key,
  person_id uuid not null references people (id),
  role text not null,
  assigned_at timestamptz not null,
  ended_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  ended_entry_id uuid references ledger_entries (id),
  constraint role_assignments_role_check check (role in ('admin', 'approver', 'auditor')),
  constraint role_assignments_entry_id_key unique (entry_id),
  constraint role_assignments_end_check check ((ended_at is null) = (ended_entry_id is null))
);
create unique index role_assignments_held_key on role_assignments (person_id, role) where ended_at is null;

create table one_time_links (
  token_hash bytea primary key,
  purpose text not null,
  person_id uuid references people (id),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint one_time_links_purpose_check check ((purpose = 'setup' and person_id is null) or (purpose = 'invitation' and person_id is not null))
);
create index one_time_links_person_idx on one_time_links (person_id);

create table sessions (
  id uuid primary key,
  token_hash bytea not null,
  person_id uuid not null references people (id),
  method text not null,
  n bigint not null,
  started_at timestamptz not null,
  last_seen_at timestamptz not null,
  ended_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint sessions_token_hash_key unique (token_hash),
  constraint sessions_entry_id_key unique (entry_id)
);
create index sessions_running_idx on sessions (person_id, started_at) where ended_at is null;

-- Buckets of failed sign-ins: an account, a network, or everybody, by keyed digest.
create table sign_in_throttle (
  bucket bytea primary key,
  failures int not null,
  first_at timestamptz not null,
  blocked_until timestamptz not null
);

create table systems (
  id uuid primary key,
  name text collate "C" not null,
  n bigint not null,
  approved_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint systems_name_key unique (name),
  constraint systems_entry_id_key unique (entry_id)
);

create table agent_keys (
  id uuid primary key,
  system_id uuid not null references systems (id),
  key_id text collate "C" not null,
  secret_hash bytea not null,
  scopes text[] not null,
  n bigint not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint agent_keys_key_id_key unique (key_id),
  constraint agent_keys_entry_id_key unique (entry_id)
);
create index agent_keys_system_idx on agent_keys (system_id);

grant select, insert on people, role_assignments, one_time_links, sessions, sign_in_throttle, systems, agent_keys to countersign_app;
grant update (n, password_hash, disabled_at) on people to countersign_app;
grant update (ended_at, ended_entry_id) on role_assignments to countersign_app;
grant update (used_at) on one_time_links to countersign_app;
grant update (n, last_seen_at, ended_at) on sessions to countersign_app;
grant update, delete on sign_in_throttle to countersign_app;
grant update (n) on systems to countersign_app;
grant update (n, revoked_at, last_used_at) on agent_keys to countersign_app;
