-- Identity providers, who is known by them, and what a sign-in through them leaves behind.

-- `secret` is sealed by the envelope. `tested_digest` is that of the settings that a test sign-in last passed with.
create table identity_providers (
  id uuid primary key,
  n bigint not null,
  slug text collate "C" not null,
  name text not null,
  issuer text collate "C" not null,
  client_id text not null,
  secret bytea not null,
  algorithms text[] not null,
  scopes text[] not null,
  logout_typ_required boolean not null,
  settings_digest bytea not null,
  tested_digest bytea,
  added_at timestamptz not null,
  enabled_at timestamptz,
  removed_at timestamptz,
  fault_at timestamptz,
  entry_id uuid not null references ledger_entries (id),
  fault_entry_id uuid references ledger_entries (id),
  constraint identity_providers_entry_id_key unique (entry_id),
  constraint identity_providers_enabled_check check (enabled_at is null or removed_at is null)
);
create unique index identity_providers_slug_key on identity_providers (slug) where removed_at is null;
create unique index identity_providers_issuer_key on identity_providers (issuer, client_id) where removed_at is null;

-- `lookup` is a keyed digest of issuer and subject; the subject itself is in the vault under `entry_id`.
create table identities (
  lookup bytea primary key,
  provider_id uuid not null references identity_providers (id),
  person_id uuid not null references people (id),
  linked_at timestamptz not null,
  entry_id uuid not null references ledger_entries (id),
  constraint identities_entry_id_key unique (entry_id)
);
create index identities_person_idx on identities (person_id);

-- Ids of logout tokens and states of sign-ins, by keyed digest: each works once while it could be valid.
create table logout_tokens (
  digest bytea primary key,
  ends_at timestamptz not null
);
create index logout_tokens_ends_idx on logout_tokens (ends_at);

-- The ID token that names the provider's session at sign-out, sealed by the envelope.
create table session_id_tokens (
  session_id uuid primary key references sessions (id),
  sealed bytea not null
);

-- What a test sign-in brought, for the admin who ran it, for ten minutes; sealed by the envelope.
create table provider_tests (
  id uuid primary key,
  provider_id uuid not null references identity_providers (id),
  person_id uuid not null references people (id),
  sealed bytea not null,
  ends_at timestamptz not null
);

grant select, insert on identity_providers, identities, logout_tokens, session_id_tokens, provider_tests to countersign_app;
grant update (n, name, client_id, secret, algorithms, scopes, logout_typ_required, settings_digest, tested_digest, enabled_at, removed_at, fault_at, fault_entry_id) on identity_providers to countersign_app;
grant delete on logout_tokens, session_id_tokens, provider_tests to countersign_app;
