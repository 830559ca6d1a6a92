-- What directories push by SCIM: their tokens, users, groups and who is in which.

-- Only the SHA-256 of a token's secret is kept. `ceiling` are the only roles that what it pushes may give.
create table scim_tokens (
  id uuid primary key,
  n bigint not null,
  provider_id uuid not null references identity_providers (id),
  key_id text collate "C" not null,
  secret_hash bytea not null,
  ceiling text[] not null,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  last_used_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  revoked_entry_id uuid references ledger_entries (id),
  constraint scim_tokens_key_id_key unique (key_id),
  constraint scim_tokens_entry_id_key unique (entry_id),
  constraint scim_tokens_ceiling_check check (ceiling <@ array
    ['viewer', 'approver', 'senior_approver', 'policy_author', 'admin', 'compliance_officer', 'auditor']),
  constraint scim_tokens_revoked_check check ((revoked_at is null) = (revoked_entry_id is null))
);
create index scim_tokens_provider_idx on scim_tokens (provider_id);

-- The document is in the vault under `entry_id`, the entry of the last change; the two digests are keyed and find a
-- user again. `n` numbers the changes and is the version. `person_id` is absent until the directory names the subject.
create table scim_users (
  id uuid primary key,
  n bigint not null,
  provider_id uuid not null references identity_providers (id),
  user_name_lookup bytea not null,
  external_lookup bytea,
  person_id uuid references people (id),
  active boolean not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  removed_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint scim_users_entry_id_key unique (entry_id)
);
create unique index scim_users_user_name_key on scim_users (provider_id, user_name_lookup) where removed_at is null;
create unique index scim_users_external_key on scim_users (provider_id, external_lookup) where removed_at is null;
create index scim_users_person_idx on scim_users (person_id);
create index scim_users_list_idx on scim_users (provider_id, created_at, id) where removed_at is null;

-- People whom a directory has disabled: it enables nobody whom somebody else disabled.
create table scim_barred (
  provider_id uuid not null references identity_providers (id),
  person_id uuid not null references people (id),
  barred_at timestamptz not null,
  constraint scim_barred_pkey primary key (provider_id, person_id)
);

-- Names and ids of groups describe nobody and stand in the clear. `token_id` is the token that gave the name.
create table scim_groups (
  id uuid primary key,
  n bigint not null,
  provider_id uuid not null references identity_providers (id),
  token_id uuid not null references scim_tokens (id),
  display_name text not null,
  external_id text collate "C",
  created_at timestamptz not null,
  changed_at timestamptz not null,
  removed_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  constraint scim_groups_entry_id_key unique (entry_id)
);
create unique index scim_groups_display_name_key on scim_groups (provider_id, lower(display_name)) where removed_at is null;
create unique index scim_groups_external_key on scim_groups (provider_id, external_id) where removed_at is null;
create index scim_groups_list_idx on scim_groups (provider_id, created_at, id) where removed_at is null;

-- `token_id` is the token that pushed the membership; it gives what the ceilings of both tokens hold.
create table scim_members (
  group_id uuid not null references scim_groups (id),
  user_id uuid not null references scim_users (id),
  token_id uuid not null references scim_tokens (id),
  constraint scim_members_pkey primary key (group_id, user_id)
);
create index scim_members_user_idx on scim_members (user_id);

grant select, insert on scim_tokens, scim_users, scim_barred, scim_groups, scim_members to countersign_app;
grant update (n, revoked_at, revoked_entry_id, last_used_at) on scim_tokens to countersign_app;
grant update (n, user_name_lookup, external_lookup, person_id, active, changed_at, removed_at, entry_id) on scim_users
  to countersign_app;
grant delete on scim_barred to countersign_app;
grant update (n, token_id, display_name, external_id, changed_at, removed_at, entry_id) on scim_groups to countersign_app;
grant update (token_id), delete on scim_members to countersign_app;
